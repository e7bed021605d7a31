import { nodeOs } from '@cloister/os'
import { expect, it } from 'vitest'
import { put } from '../row-change.ts'
import { SmallDisk } from '../testing/small-disk.ts'
import { snapshotOf } from '../testing/snapshot.ts'
import { SqliteStateStore } from './sqlite-state-store.ts'

const os = nodeOs()

/** The numbers of the domains in the state in a folder. */
async function domainsIn(folder: string): Promise<number[]> {
  const store = await SqliteStateStore.open(folder, { os })
  try {
    return (await snapshotOf(store)).domains.map(([qid]) => qid)
  } finally {
    await store.close()
  }
}

it('has what was committed on the disk itself when a commit returns', async (test) => {
  const disk = await SmallDisk.mount('ext4', test)
  const store = await SqliteStateStore.open(`${disk.path}/state`, { os })
  try {
    const committed: number[] = []
    for (let qid = 0; qid < 12; qid++) {
      await store.commit([put('domains', [qid], ['AppVM']), put('notes', [qid], ['x'.repeat(qid * 1000)])])
      committed.push(qid)
      if (qid % 4 === 0) expect(await disk.afterPowerCut((folder) => domainsIn(`${folder}/state`))).toEqual(committed)
    }
  } finally {
    await store.close()
  }
})
