import { readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Cloisterd, type CloisterdOptions, scratchFolder } from '../support/cloisterd.ts'
import { adminCall } from './exchange.ts'

const seedingClients = 64
const label = 'red'

/** The template of all domains that the bench makes. */
export const templateName = 'template'
/** The domain that calls read: the first one that is made. */
export const domainName: string = nameOf(1)

/**
 * The daemon that is measured: a process of its own, with a state that grows. Every domain is made by a call, so that the state is
 * the one that a user would have, with the files of volumes.
 */
export class Subject {
  readonly #folder: string
  #daemon: Cloisterd
  /** The number of app domains. */
  #domains = 0

  private constructor(folder: string, daemon: Cloisterd) {
    this.#folder = folder
    this.#daemon = daemon
  }

  static async start(): Promise<Subject> {
    const folder = await scratchFolder()
    const daemon = await Cloisterd.start({ folder })
    const subject = new Subject(folder, daemon)
    try {
      await subject.#seedTemplate()
      return subject
    } catch (error) {
      await subject.remove()
      throw error
    }
  }

  get folder(): string {
    return this.#folder
  }

  get socket(): string {
    return this.#daemon.socket
  }

  get pid(): number {
    return this.#daemon.pid
  }

  get domains(): number {
    return this.#domains
  }

  /** The domain that a client writes to: its own one, when there are enough domains. */
  domainOf(client: number): string {
    return nameOf(1 + (client % this.#domains))
  }

  /** Makes domains until there are `count` of them. */
  async grow(count: number): Promise<void> {
    const make = async (): Promise<void> => {
      while (this.#domains < count) await createDomain(this.socket, nameOf(++this.#domains))
    }
    await Promise.all(Array.from({ length: seedingClients }, make))
    if (count > 0) await this.#seedFirst()
  }

  /** Stops the daemon and starts it again; resolves with the time of the start, ms. */
  async restart(options: CloisterdOptions = {}): Promise<number> {
    await this.#daemon.stop()
    await truncate(join(this.#folder, 'log'), 0)
    const start = performance.now()
    this.#daemon = await Cloisterd.start({ ...options, folder: this.#folder })
    return performance.now() - start
  }

  /** Stops the daemon and removes its files. */
  async remove(): Promise<void> {
    await this.#daemon.remove()
  }

  async #seedTemplate(): Promise<void> {
    const payload = `name=${templateName} label=${label}`
    await adminCall(this.socket, { method: 'admin.vm.Create.TemplateVM', payload })
  }

  /** A few features and tags, so that lists of them are not empty. */
  async #seedFirst(): Promise<void> {
    for (const argument of ['gui', 'servicevm', 'vm-config-name']) {
      const destination = domainName
      await adminCall(this.socket, { method: 'admin.vm.feature.Set', destination, argument, payload: '1' })
      await adminCall(this.socket, { method: 'admin.vm.tag.Set', destination, argument: `has-${argument}` })
    }
  }
}

function nameOf(number: number): string {
  return `domain${String(number).padStart(5, '0')}`
}

/** Makes an app domain. */
export async function createDomain(socket: string, name: string): Promise<void> {
  const payload = `name=${name} label=${label}`
  await adminCall(socket, { method: 'admin.vm.Create.AppVM', argument: templateName, payload })
}

/** The resident memory of a process, MiB. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}
