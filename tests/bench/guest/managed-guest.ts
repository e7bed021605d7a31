import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vmCreateTemplate } from '@cloister/admin-protocol'
import { AdminClient, type Domain } from '@cloister/client'
import { UnixTransport } from '@cloister/client/node'
import { Cloisterd, scratchFolder } from '../../support/cloisterd.ts'
import { type BootTimes, guestSaysItIsUp } from './boot-times.ts'
import { findQemu, openFiles } from './qemu-process.ts'

/** The guest of the demo and the tests: kernel and root image. */
export const guestFolder: string = fileURLToPath(new URL('../../../.cache/guest', import.meta.url))

const properties = { memory: '160', maxmem: '0', vcpus: '1' } as const

/** A domain of a daemon with the embedded QEMU. */
export class ManagedGuest {
  readonly #daemon: Cloisterd
  readonly #domain: Domain

  private constructor(daemon: Cloisterd, domain: Domain) {
    this.#daemon = daemon
    this.#domain = domain
  }

  static async make(): Promise<ManagedGuest> {
    const folder = await scratchFolder()
    const hypervisor = `qemu:///embed?root=${encodeURIComponent(join(folder, 'q'))}`
    const daemon = await Cloisterd.start({ folder, hypervisor, args: ['--kernels', guestFolder] })
    try {
      // A name that no other QEMU on the machine has.
      return new ManagedGuest(daemon, await makeDomain(daemon, `bench-${process.pid}`))
    } catch (error) {
      await daemon.remove()
      throw error
    }
  }

  get folder(): string {
    return this.#daemon.folder
  }

  /** Boots the guest once; `whileItBoots` is called with the pid of QEMU as soon as the start has returned. */
  async boot(whileItBoots?: (pid: number) => Promise<void>): Promise<BootTimes> {
    const start = performance.now()
    await this.#domain.start()
    const returnsMs = performance.now() - start
    const qemu = await findQemu(this.#domain.name)
    if (qemu === undefined) throw new Error(`no QEMU runs for ${this.#domain.name}`)
    await whileItBoots?.(qemu)
    await guestSaysItIsUp(await consoleLog(qemu))
    const upMs = performance.now() - start
    const killed = performance.now()
    await this.#domain.kill()
    return { returnsMs, upMs, goneMs: performance.now() - killed }
  }

  /** Stops the daemon, then ends the QEMU that outlives it, also one whose start the daemon completed while it stopped. */
  async remove(): Promise<void> {
    await this.#domain.kill().catch(() => {})
    await this.#daemon.stop()
    const qemu = await findQemu(this.#domain.name)
    if (qemu !== undefined) process.kill(qemu, 'SIGKILL')
    await this.#daemon.remove()
  }
}

async function makeDomain({ socket }: Cloisterd, name: string): Promise<Domain> {
  const client = new AdminClient(new UnixTransport(socket))
  const stream = createReadStream(join(guestFolder, 'root.img'))
  await client.call(vmCreateTemplate, { dialect: 'mgmt', argument: 'tiny', stream })
  for (const [property, value] of Object.entries(properties)) await client.domain('tiny').setProperty(property, value)
  return client.domains.create({ name, label: 'red', klass: 'AppVM', template: 'tiny' })
}

/** The file to which QEMU writes the output of the guest. */
async function consoleLog(pid: number): Promise<string> {
  const found = (await openFiles(pid)).find(({ path }) => path.endsWith('.console.log'))
  if (!found) throw new Error(`QEMU ${pid} does not write the console of its guest to a file`)
  return found.path
}
