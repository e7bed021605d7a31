import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AdminClient } from '@cloister/client'
import { importVolume, UnixTransport } from '@cloister/client/node'
import { nodeOs } from '@cloister/os'
import { Cloisterd } from '../../support/cloisterd.ts'
import { timesLimit } from '../aims.ts'
import { adminCall } from '../exchange.ts'
import { keep } from '../keep.ts'
import { median } from '../statistics.ts'
import type { Bench, PlainSuite } from '../suite.ts'

const mib = 2 ** 20
const sizes = { quick: 16 * mib, full: 1024 * mib } as const
const domain = 'imported'
const volume = 'private'

/** Imports data into a volume, compared to a copy of the same file. */
export const imports: PlainSuite = { name: 'import', measure }

async function measure({ report, resources, quick, effort }: Bench): Promise<void> {
  const size = sizes[quick ? 'quick' : 'full']
  const daemon = await keep(
    resources,
    () => Cloisterd.start(),
    (started) => started.remove(),
  )
  await adminCall(daemon.socket, { method: 'admin.vm.Create.StandaloneVM', payload: `name=${domain} label=red` })
  const data = join(daemon.folder, 'data')
  await fill(data, size)
  const [copies, streamed, inPlace]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < effort.rounds; round++) {
    copies.push(await seconds(() => copy(data, join(daemon.folder, 'copy'))))
    streamed.push(await seconds(() => stream(daemon, data, size)))
    inPlace.push(await seconds(() => writeInPlace(daemon, data, size)))
  }
  const limit = { name: 'dd', value: median(copies) }
  const row = { suite: 'import', unit: 's', limit, aim: timesLimit(1.2) } as const
  report.add({ ...row, name: `${size / mib} MiB through the socket`, value: median(streamed) })
  report.add({ ...row, name: `${size / mib} MiB by a client on the host`, value: median(inPlace) })
}

/** Writes a file without zeroes, in which no two pages of a piece are equal. */
async function fill(path: string, size: number): Promise<void> {
  const piece = nodeOs().host.random(mib)
  const file = await open(path, 'w')
  try {
    for (let at = 0; at < size; at += mib) await file.write(piece)
  } finally {
    await file.close()
  }
}

async function copy(from: string, to: string): Promise<void> {
  await rm(to, { force: true })
  const limits = { timeoutMs: 300_000 }
  await nodeOs().processes.run(['dd', `if=${from}`, `of=${to}`, 'bs=1M', 'conv=fsync', 'status=none'], limits)
}

async function stream({ socket }: Cloisterd, path: string, size: number): Promise<void> {
  const client = new AdminClient(new UnixTransport(socket))
  await client.domain(domain).importVolume(volume, createReadStream(path), { size: BigInt(size) })
}

async function writeInPlace({ internalSocket }: Cloisterd, path: string, size: number): Promise<void> {
  const client = new AdminClient(new UnixTransport(internalSocket))
  await importVolume(client, { domain, volume, data: createReadStream(path), size: BigInt(size) })
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
