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

/** What can be done with domains as wholes, in the order in which it must be done. */
const operations = [
  { name: 'admin.vm.Create.AppVM', moreMs: 3, act: create },
  { name: 'clone: Create, CloneFrom, CloneTo', moreMs: 5, act: clone },
  { name: 'admin.vm.Remove', moreMs: 3, act: remove },
] as const

type OperationName = (typeof operations)[number]['name']

/** Making and removing domains. The aim is what the disk takes, once for every time that the daemon waits for it, and a bit. */
export const life: ScaledSuite = { name: 'life', measure }

/** Domains that were made and are to be removed. */
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

/** Several clients share the disk's time, so only the time of one can be compared with it. */
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

/** How often the daemon waits for the disk in each operation; empty when that cannot be found out. */
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
      `life: no limit is known, as nobody counts how often the daemon waits for the disk: ${errorText(error)}`,
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

/** As today's clients do it: there is no call for it in the Admin API that ships. */
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
