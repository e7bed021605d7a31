import { constants } from 'node:fs'
import { open, stat, unlink, writeFile } from 'node:fs/promises'
import { errorCode, nodeOs } from '@cloister/os'
import { describe, expect, it, vi } from 'vitest'
import { Journal } from '../journal.ts'
import { StateWriteError } from '../state-write-error.ts'
import { type DiskKind, SmallDisk } from '../testing/small-disk.ts'
import { snapshotOf } from '../testing/snapshot.ts'
import { SqliteStateStore } from './sqlite-state-store.ts'

/** Notes of domains, in memory and in the state, as core keeps them. */
class Notes {
  readonly folder: string
  readonly memory: Map<number, string> = new Map()
  readonly told: number[] = []
  #store: SqliteStateStore
  #journal: Journal<number>

  private constructor(folder: string, store: SqliteStateStore) {
    this.folder = folder
    this.#store = store
    this.#journal = this.#newJournal()
  }

  static async open(folder: string): Promise<Notes> {
    return new Notes(folder, await SqliteStateStore.open(folder, { os: nodeOs() }))
  }

  async set(qid: number, text: string): Promise<void> {
    const unit = this.#journal.begin()
    unit.onRollback(() => this.memory.delete(qid))
    this.memory.set(qid, text)
    unit.put('notes', [qid], [text])
    unit.emit(qid)
    await unit.commit()
  }

  async remove(qid: number): Promise<void> {
    const unit = this.#journal.begin()
    this.memory.delete(qid)
    unit.delete('notes', [qid])
    await unit.commit()
  }

  /** Sets new notes until that fails; returns the error. */
  async fill(): Promise<unknown> {
    for (;;) {
      const failure: unknown = await this.set(this.memory.size, 'x'.repeat(100_000)).catch((error: unknown) => error)
      if (failure) return failure
    }
  }

  async close(): Promise<void> {
    await this.#journal.idle()
    await this.#store.close()
  }

  async reopen(): Promise<void> {
    await this.close()
    this.#store = await SqliteStateStore.open(this.folder, { os: nodeOs() })
    this.#journal = this.#newJournal()
  }

  /** What is on disk is what is in memory. */
  async expectStored(): Promise<void> {
    expect(new Map((await snapshotOf(this.#store)).notes)).toEqual(this.memory)
  }

  /** True when the reserve occupies its space. */
  async hasReserve(): Promise<boolean> {
    const reserve = await nodeOs().files.stat(`${this.folder}/state.reserve`)
    return reserve !== undefined && reserve.allocated >= 4n << 20n
  }

  async untilReserve(present: boolean): Promise<void> {
    await vi.waitFor(async () => expect(await this.hasReserve()).toBe(present), 30_000)
  }

  /** Sets notes until the reserve is there. */
  async fillUntilReserve(): Promise<void> {
    for (let qid = 2000; !(await this.hasReserve()); qid++) await this.set(qid, 'z')
  }

  #newJournal(): Journal<number> {
    const stop = (error: unknown): never => {
      throw error
    }
    const journal = new Journal<number>(this.#store, { onFatal: stop, onListenerError: stop })
    journal.onEvent((qid) => this.told.push(qid))
    return journal
  }
}

/** Takes the space of a disk but for about so many bytes, so that the rest is soon full. */
async function fillTo(path: string, left: number): Promise<void> {
  await writeFile(`${path}/spare`, new Uint8Array(left).fill(1))
  // How much a file can take shows only when the disk is full: on btrfs the free space is partly for other uses.
  await takeAllSpace(`${path}/ballast`)
  await unlink(`${path}/spare`)
  await nodeOs().processes.run(['sync', '-f', path])
}

/** Takes the last byte of a disk. */
async function takeAllSpace(path: string): Promise<void> {
  const file = await open(path, constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND)
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1) await appendWhilePossible((bytes) => file.appendFile(bytes), size)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function appendWhilePossible(append: (bytes: Uint8Array) => Promise<void>, size: number): Promise<void> {
  try {
    for (;;) await append(new Uint8Array(size))
  } catch (error) {
    if (errorCode(error) !== 'ENOSPC') throw error
  }
}

const diskKinds: readonly DiskKind[] = ['tmpfs', 'ext4', 'xfs', 'btrfs']

describe.each(diskKinds)('on a full %s', { timeout: 240_000 }, (kind) => {
  it('a change without room is undone, removals still work, and with room again every change works', async (test) => {
    const disk = await SmallDisk.mount(kind, test)
    await fillTo(disk.path, 15 << 20)
    await writeFile(`${disk.path}/other`, new Uint8Array(4 << 20))
    const notes = await Notes.open(`${disk.path}/state`)
    test.onTestFinished(() => notes.close())
    await notes.untilReserve(true)

    // What only adds is refused, undone and not told, and leaves the reserve alone.
    const failure = await notes.fill()
    expect(failure).toBeInstanceOf(StateWriteError)
    expect(failure).toMatchObject({
      message: expect.stringContaining(`No space is left for the state database ${notes.folder}/state.db`),
      cause: { reason: 'full' },
    })
    expect(notes.told).toEqual([...notes.memory.keys()])
    await notes.expectStored()
    await notes.untilReserve(true)

    // Removals still work.
    for (const qid of [...notes.memory.keys()].slice(0, 30)) await notes.remove(qid)
    await notes.expectStored()

    // It does so even without a log that could be used again and without a free byte: then only the reserve is left.
    await unlink(`${disk.path}/other`)
    await notes.reopen()
    await notes.untilReserve(true)
    expect((await stat(`${notes.folder}/state.db-wal`)).size).toBe(0)
    await takeAllSpace(`${disk.path}/filler`)
    await expect(notes.set(1000, 'y'.repeat(100_000))).rejects.toThrow('No space is left')
    await notes.untilReserve(true)
    await notes.remove(30)
    await notes.untilReserve(false)
    for (const qid of [...notes.memory.keys()]) await notes.remove(qid)
    await notes.expectStored()

    // With room again, the reserve is made anew after a commit.
    for (const name of ['filler', 'ballast']) await unlink(`${disk.path}/${name}`)
    await notes.fillUntilReserve()
    await notes.reopen()
    await notes.expectStored()
  })
})
