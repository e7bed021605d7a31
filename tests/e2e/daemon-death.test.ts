import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vmCreateTemplate, vmVolumeListSnapshots } from '@cloister/admin-protocol'
import { AdminClient, type Domain } from '@cloister/client'
import { UnixTransport } from '@cloister/client/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guestSaysItIsUp } from '../bench/guest/boot-times.ts'
import { findQemu, openFiles } from '../bench/guest/qemu-process.ts'
import { Cloisterd, scratchFolder } from '../support/cloisterd.ts'

const guestFolder = fileURLToPath(new URL('../../.cache/guest', import.meta.url))
/** A name that no other QEMU on the machine has. */
const name = `lasts-${process.pid}`

let folder: string
let daemon: Cloisterd
let domain: Domain

async function start(): Promise<void> {
  const hypervisor = `qemu:///embed?root=${encodeURIComponent(join(folder, 'q'))}`
  daemon = await Cloisterd.start({ folder, hypervisor, args: ['--kernels', guestFolder] })
  domain = client().domain(name)
}

function client(): AdminClient {
  return new AdminClient(new UnixTransport(daemon.socket))
}

async function state(): Promise<string | undefined> {
  return (await domain.info())?.state
}

async function qemu(): Promise<number> {
  const pid = await findQemu(name)
  if (pid === undefined) throw new Error(`no QEMU runs for ${name}`)
  return pid
}

function revisions(): Promise<readonly string[]> {
  return domain.call(vmVolumeListSnapshots, { argument: 'private' })
}

beforeEach(async () => {
  folder = await scratchFolder()
  await start()
  const stream = createReadStream(join(guestFolder, 'root.img'))
  await client().call(vmCreateTemplate, { dialect: 'mgmt', argument: 'tiny', stream })
  await client().domains.create({ name, label: 'red', klass: 'AppVM', template: 'tiny' })
  for (const [property, value] of [
    ['memory', '160'],
    ['maxmem', '0'],
    ['vcpus', '1'],
  ] as const)
    await domain.setProperty(property, value)
})

afterEach(async () => {
  await domain.kill().catch(() => {})
  const left = await findQemu(name)
  if (left !== undefined) process.kill(left, 'SIGKILL')
  await daemon.remove()
})

describe('a guest', () => {
  it('keeps running while the daemon is killed, and obeys the next one', async () => {
    await domain.start()
    const pid = await qemu()
    const recorded = (await openFiles(pid)).find(({ path }) => path.endsWith('.console.log'))
    await daemon.kill()
    await guestSaysItIsUp(recorded?.path ?? '')

    await start()
    expect(await state()).toBe('Running')
    expect(await qemu()).toBe(pid)
    await domain.shutdown({ wait: true })
    expect(await state()).toBe('Halted')
    expect(await findQemu(name)).toBeUndefined()
    expect(await revisions()).toHaveLength(1)
  })

  it('that ends while no daemon runs is committed once', async () => {
    await domain.start()
    const pid = await qemu()
    await daemon.kill()
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => findQemu(name)).toBeUndefined()

    await start()
    expect(await state()).toBe('Halted')
    const committed = await revisions()
    expect(committed).toHaveLength(1)
    await daemon.kill()
    await start()
    expect(await revisions()).toEqual(committed)

    await domain.start()
    expect(await state()).toBe('Running')
  })
})
