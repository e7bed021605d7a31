import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Aim, atMost, type Limit } from '../aims.ts'
import { bareNodeStart, referenceNodeStart } from '../node-alone.ts'
import { median } from '../statistics.ts'
import { residentMemory, type Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'

const settleMs = 250
const mostSettlings = 20
const memoryAim = atMost(120)

/** The time from the start of the daemon until it serves, and its memory then. */
export const startup: ScaledSuite = { name: 'startup', measure }

async function measure(subject: Subject, bench: Bench): Promise<void> {
  const rounds = Math.max(bench.effort.rounds, 1)
  const [starts, nodes, memories] = [[] as number[], [] as number[], [] as number[]]
  // After a change of the sources the first start compiles them.
  await subject.restart()
  for (let round = 0; round < rounds; round++) {
    nodes.push(await bareNodeStart())
    starts.push((await subject.restart()) / 1000)
    memories.push(await settledMemory(subject.pid))
  }
  const row = { suite: 'startup', domains: subject.domains }
  const node: Limit = { name: 'node', value: median(nodes) / 1000, reference: referenceNodeStart / 1000 }
  bench.report.add({ ...row, name: 'start to ready', value: median(starts), unit: 's', limit: node, aim: aim(subject) })
  const idle: Limit = { name: 'node', value: await bareNodeMemory() }
  bench.report.add({ ...row, name: 'memory', value: median(memories), unit: 'MiB', limit: idle, aim: memoryAim })
}

function aim({ domains }: Subject): Aim {
  return atMost(domains <= 1000 ? 0.5 : 1)
}

/** Waits until the memory of the process no longer changes: it shrinks for a moment after the start. */
async function settledMemory(pid: number): Promise<number> {
  let before = Number.NaN
  for (let looks = 0; looks < mostSettlings; looks++) {
    const now = await residentMemory(pid)
    if (now === before) return now
    before = now
    await delay(settleMs)
  }
  return before
}

/** Memory of Node when it does nothing, MiB. */
async function bareNodeMemory(): Promise<number> {
  const program = 'process.send(0); process.on("disconnect", process.exit)'
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  await once(child, 'message')
  try {
    return await settledMemory(child.pid ?? process.pid)
  } finally {
    child.kill()
  }
}
