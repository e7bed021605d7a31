import { mkdtemp, rm } from 'node:fs/promises'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Child } from '../testing/child.ts'
import { type Snapshot, snapshotOf } from '../testing/snapshot.ts'
import { SqliteStateStore } from './sqlite-state-store.ts'

let parent: string
let folder: string

beforeEach(async () => {
  parent = await mkdtemp('/tmp/cloister-crash-')
  folder = `${parent}/state`
})

afterEach(() => rm(parent, { recursive: true }))

/** Runs the loop of commits from number `first`, kills it after a number of acknowledgements; returns all that it gave. */
async function acknowledgedBeforeDeath(first: number, enough: number): Promise<number[]> {
  await using child = new Child('./commit-loop.ts', [folder, String(first)])
  const acknowledged: number[] = []
  const reached = Promise.withResolvers<void>()
  child.lines.on('line', (line) => {
    acknowledged.push(Number(line))
    if (acknowledged.length === enough) reached.resolve()
  })
  await Promise.race([reached.promise, child.ended()])
  await child.kill()
  return acknowledged
}

async function stored(): Promise<Snapshot> {
  const store = await SqliteStateStore.open(folder, { os: nodeOs() })
  try {
    return await snapshotOf(store)
  } finally {
    await store.close()
  }
}

/** Of every unit all rows are there or none: the domain is there exactly if its properties are. */
function expectWholeUnits({ domains, properties }: Snapshot): void {
  const expected = domains.flatMap(([qid]) => [
    [qid, 'label', `label of ${qid}`],
    [qid, 'name', `name of ${qid}`],
  ])
  expect(properties).toEqual(expected)
}

it('keeps every unit that was acknowledged, and of every unit all or nothing, when the process is killed', async () => {
  let first = 0
  for (let round = 0; round < 6; round++) {
    const enough = 1 + Math.floor(Math.random() ** 3 * 4000)
    const acknowledged = await acknowledgedBeforeDeath(first, enough)
    const snapshot = await stored()
    expectWholeUnits(snapshot)
    const present = new Set(snapshot.domains.map(([qid]) => qid))
    const last = Math.max(...present)
    // Units are committed in the order of their numbers, and each removes the one a hundred before.
    const kept = acknowledged.filter((qid) => qid > last - 100)
    expect(kept.filter((qid) => !present.has(qid))).toEqual([])
    expect(last).toBeGreaterThanOrEqual(Math.max(...acknowledged))
    expect(present.size).toBe(Math.min(100, last + 1))
    first = last + 1
  }
})
