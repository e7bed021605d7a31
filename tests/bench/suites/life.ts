import { join } from 'node:path'
import { errorText } from '@cloister/kit'
import { limitPlus } from '../aims.ts'
import { adminCall } from '../exchange.ts'
import { appendLimit } from '../limits.ts'
import { type Load, measureInTurns, type Sample } from '../load.ts'
import { figure } from '../report.ts'
import { createDomain, domainName, type Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'
import { countSyncs } from '../syncs.ts'

/** The operations that make and remove domains, in the order in which they must run. */
const operations = [
  { name: 'admin.vm.Create.AppVM', moreMs: 3, act: create },
  { name: 'clone: Create, CloneFrom, CloneTo', moreMs: 5, act: clone },
  { name: 'admin.vm.Remove', moreMs: 3, act: remove },
] as const

type OperationName = (typeof operations)[number]['name']

/** Makes and removes domains. The aim is a wait for the disk for each time that the daemon waits for it, and a few ms. */
export const life: ScaledSuite = { name: 'life', measure }

/** Domains that were made and not removed yet. */
interface Work {
  readonly socket: string
  readonly names: string[]
  made: number
}

async function measure(subject: Subject, bench: Bench): Promise<void> {
  const work: Work = { socket: subject.socket, names: [], made: 0 }
  const sharesBlocks = await canShareBlocks(subject)
  if (!sharesBlocks)
    bench.report.note('life: volumes are copied, as the file system cannot share blocks: no aim for clones.')
  const syncs = await syncsOf(subject, work, bench)
  for (const clients of bench.clients) {
    const count = Math.max(clients, bench.quick ? 4 : 48)
    const loads = operations.map(({ name, act }): Load => {
      const calls = act === remove ? count * 2 : count
      return { name, clients, calls, call: () => act(work) }
    })
    const [append, ...samples] = await measureInTurns([bench.limits.append(), ...loads], bench.effort)
    for (const [index, sample] of samples.entries())
      add(subject, bench, { clients, index, sample, append, syncs, sharesBlocks })
  }
}

interface Measured {
  readonly clients: number
  readonly index: number
  readonly sample: Sample
  readonly append: Sample | undefined
  readonly syncs: ReadonlyMap<OperationName, number>
  readonly sharesBlocks: boolean
}

/** Several clients share the disk, so only the time of a single client is compared with the limit. */
function add({ domains }: Subject, { report }: Bench, measured: Measured): void {
  const { clients, index, sample, append, syncs, sharesBlocks } = measured
  const operation = operations[index]
  if (!operation) return
  const waits = syncs.get(operation.name)
  const limit = clients === 1 && append && waits ? appendLimit(append, waits) : undefined
  const isAimed = clients === 1 && (sharesBlocks || operation.act !== clone)
  const aim = isAimed ? limitPlus(operation.moreMs) : undefined
  report.add({ suite: 'life', name: operation.name, domains, ...figure(sample, clients), limit, aim })
}

/** Whether copies of volumes share their blocks until one of them is written. */
async function canShareBlocks({ socket }: Subject): Promise<boolean> {
  const info = await adminCall(socket, { method: 'admin.pool.Info', argument: 'varlibqubes' })
  return info.split('\n').includes('driver=file-reflink')
}

/** The number of waits for the disk in each operation; empty when it cannot be counted. */
async function syncsOf(subject: Subject, work: Work, { report, quick }: Bench): Promise<Map<OperationName, number>> {
  const found = new Map<OperationName, number>()
  const times = quick ? 2 : 8
  try {
    for (const { name, act } of operations) {
      const repeat = async (): Promise<void> => {
        for (let done = 0; done < times; done++) await act(work)
      }
      found.set(name, Math.round((await countSyncs(subject.pid, join(subject.folder, 'strace'), repeat)) / times))
    }
  } catch (error) {
    report.note(
      `life: there is no limit, because the waits of the daemon for the disk cannot be counted: ${errorText(error)}`,
    )
  }
  while (work.names.length > 0) await remove(work)
  return found
}

async function create(work: Work): Promise<void> {
  const name = `bench-${++work.made}`
  await createDomain(work.socket, name)
  work.names.push(name)
}

/** Clones a domain as the tools of Qubes do: their dialect of the Admin API has no call for it. */
async function clone(work: Work): Promise<void> {
  const { socket } = work
  const name = `bench-${++work.made}`
  await createDomain(socket, name)
  work.names.push(name)
  const volume = { argument: 'private' } as const
  const token = await adminCall(socket, { method: 'admin.vm.volume.CloneFrom', destination: domainName, ...volume })
  await adminCall(socket, { method: 'admin.vm.volume.CloneTo', destination: name, ...volume, payload: token })
}

async function remove({ socket, names }: Work): Promise<void> {
  const name = names.pop()
  if (name !== undefined) await adminCall(socket, { method: 'admin.vm.Remove', destination: name })
}
