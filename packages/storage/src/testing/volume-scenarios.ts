import { QubesNotImplementedError, QubesVolumeNotFoundError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import type { Pool } from '../pool.ts'
import { supported, type Volume, type VolumeConfig } from '../volume.ts'

/** A pool under test, with functions that play the guests of its volumes. */
export interface VolumeSubject {
  readonly pool: Pool
  /** Reads, as a guest does, the beginning of a started volume, up to the first zero byte. */
  guestReads(volume: Volume): Promise<string>
  /** Writes, as a guest does, to the beginning of a started volume, and flushes. */
  guestWrites(volume: Volume, text: string): Promise<void>
  /** Reads the beginning of an exported file. */
  read(path: string): Promise<string>
  /** Writes to the beginning of a file for an import. */
  write(path: string, text: string): Promise<void>
}

const MiB = 1n << 20n

/** The contract of `Volume`, for every driver; it depends on the capabilities of a volume, never on its driver. */
export function describeVolumes(title: string, make: () => Promise<VolumeSubject>): void {
  const plain = { owner: 'appvms/work', rw: true, snapOnStart: false, saveOnStop: false, size: MiB }
  const scene = async () => {
    const subject = await make()
    const init = (config: Partial<VolumeConfig>): Volume =>
      subject.pool.initVolume({ name: 'private', ...plain, ...config })
    const saved = (config: Partial<VolumeConfig> = {}): Volume => init({ saveOnStop: true, ...config })
    const { size: _size, ...sizeless } = plain
    const copyOf = (source: Volume): Volume =>
      subject.pool.initVolume({ ...sizeless, name: source.name, owner: 'appvms/child', snapOnStart: true, source })
    const cycle = async (volume: Volume, text: string): Promise<void> => {
      await volume.start()
      await subject.guestWrites(volume, text)
      await volume.stop()
    }
    /** What the next run of a volume finds. */
    const finds = async (volume: Volume): Promise<string> => {
      await volume.start()
      const text = await subject.guestReads(volume)
      await volume.stop()
      return text
    }
    return { ...subject, init, saved, copyOf, cycle, finds }
  }

  describe(`${title}, as any driver`, () => {
    it('a saved volume keeps what its guest wrote', async () => {
      const { saved, cycle, finds } = await scene()
      const volume = saved()
      await expect(volume.verify()).rejects.toThrow()
      await volume.create()
      await volume.verify()
      expect(await finds(volume)).toBe('')
      await cycle(volume, 'one')
      expect(await finds(volume)).toBe('one')
      await volume.stop()
      expect(await finds(volume)).toBe('one')
    })

    it('a saved volume is dirty from start to stop', async () => {
      const { saved } = await scene()
      const volume = saved()
      await volume.create()
      const seen = [await volume.isDirty()]
      await volume.start()
      seen.push(await volume.isDirty())
      await volume.stop()
      expect([...seen, await volume.isDirty()]).toEqual([false, true, false])
    })

    it('a volume that is neither saved nor a snapshot begins empty', async () => {
      const { init, cycle, finds } = await scene()
      const volume = init({ name: 'volatile' })
      await volume.create()
      await volume.verify()
      await cycle(volume, 'secret')
      expect(await finds(volume)).toBe('')
      expect([await volume.isDirty(), await volume.isOutdated(), await volume.revisions()]).toEqual([false, false, []])
    })

    it('a snapshot begins as what its source has committed, and forgets what its guest wrote', async () => {
      const { saved, copyOf, cycle, finds } = await scene()
      const source = saved()
      await source.create()
      await cycle(source, 'template')
      const child = copyOf(source)
      await child.create()
      await cycle(child, 'child')
      expect(await finds(child)).toBe('template')
      expect(await finds(source)).toBe('template')
    })

    it('a snapshot is outdated once its source has committed', async () => {
      const { saved, copyOf, cycle, guestReads } = await scene()
      const source = saved()
      await source.create()
      await cycle(source, 'old')
      const child = copyOf(source)
      await child.start()
      expect(await child.isOutdated()).toBe(false)
      await cycle(source, 'new')
      expect(await child.isOutdated()).toBe(true)
      expect(await guestReads(child)).toBe('old')
      await child.stop()
      expect(await child.isOutdated()).toBe(false)
    })

    it('what a saved volume has committed can be read and copied; another volume refuses with words', async () => {
      const { init, saved, copyOf, cycle, finds, read } = await scene()
      const [source, target] = [saved(), saved({ owner: 'appvms/other' })]
      for (const volume of [source, target]) await volume.create()
      await cycle(source, 'content')
      const path = await source.export()
      expect(await read(path)).toBe('content')
      await source.exportEnd(path)
      await target.importVolume(source)
      expect(await finds(target)).toBe('content')
      for (const volume of [copyOf(source), init({ name: 'volatile' })])
        await expect(target.importVolume(volume)).rejects.toThrow(`Cannot copy or export volume ${volume.vid}`)
    })

    it('an import is taken or dropped; a volume that is not saved has none', async () => {
      const { init, saved, copyOf, cycle, finds, write } = await scene()
      const volume = saved()
      await volume.create()
      await cycle(volume, 'before')
      await write(await supported(volume, 'importData')(), 'dropped')
      await supported(volume, 'importDataEnd')(false)
      expect(await finds(volume)).toBe('before')
      await write(await supported(volume, 'importData')(2n * MiB), 'taken')
      await expect(volume.start()).rejects.toThrow('Import operation in progress')
      await supported(volume, 'importDataEnd')(true)
      expect([await finds(volume), await volume.size()]).toEqual(['taken', 2n * MiB])
      for (const other of [copyOf(volume), init({ name: 'volatile' })]) {
        expect([other.importData, other.importDataEnd, other.snapshot]).toEqual([undefined, undefined, undefined])
        expect(() => supported(other, 'importData')).toThrow(QubesNotImplementedError)
      }
    })

    it('keeps as many revisions as it says that it can, and goes back to them if it says so', async () => {
      const { pool, saved, cycle, finds } = await scene()
      const kept = Math.min(2, pool.capabilities.maxRevisions)
      const volume = saved({ revisionsToKeep: kept })
      await volume.create()
      for (const text of ['one', 'two', 'three', 'four']) await cycle(volume, text)
      expect((await volume.revisions()).length).toBe(kept)
      if (kept > 0) {
        const id = await supported(volume, 'snapshot')()
        expect((await volume.revisions()).map((revision) => revision.id)).toContain(id)
      }
      expect(volume.revert !== undefined).toBe(pool.capabilities.revert)
      if (!volume.revert) return expect(() => supported(volume, 'revert')).toThrow('cannot go back to a revision')
      await cycle(volume, 'five')
      await volume.revert()
      expect(await finds(volume)).toBe('four')
      await expect(supported(volume, 'revert')('999')).rejects.toThrow('has no revision 999')
    })

    it('grows, running or not; a snapshot has at least the size of its source', async () => {
      const { saved, copyOf, cycle, finds } = await scene()
      const volume = saved()
      await volume.create()
      await cycle(volume, 'content')
      const child = copyOf(volume)
      expect(await child.size()).toBe(MiB)
      await volume.resize(2n * MiB)
      expect([await volume.size(), await child.size(), await finds(volume)]).toEqual([2n * MiB, 2n * MiB, 'content'])
      await volume.start()
      await volume.resize(3n * MiB)
      await expect(volume.resize(MiB)).rejects.toThrow('Cannot shrink')
      await volume.stop()
      expect([await volume.size(), await child.size()]).toEqual([3n * MiB, 3n * MiB])
      const accepted = await child.resize(4n * MiB).then(
        () => true,
        () => false,
      )
      expect(await child.size()).toBe(accepted ? 4n * MiB : 3n * MiB)
      await expect(child.resize(MiB)).rejects.toThrow('Cannot resize')
      await volume.resize(5n * MiB)
      expect(await child.size()).toBe(5n * MiB)
      expect(await finds(child)).toBe('content')
    })

    it('a size that is refused or that its source has is no choice: a snapshot follows its source', async () => {
      const { saved, copyOf } = await scene()
      const volume = saved()
      await volume.create()
      const child = copyOf(volume)
      await child.resize(MiB).catch(() => {})
      await child.resize(1n).catch(() => {})
      expect(child.config().size).toBeUndefined()
      await volume.resize(3n * MiB)
      await volume.resize(2n * MiB)
      expect(await child.size()).toBe(2n * MiB)
    })

    it('is made again from its configuration', async () => {
      const { pool, init, saved, copyOf } = await scene()
      const source = saved()
      for (const volume of [source, copyOf(source), init({ name: 'volatile' })]) {
        expect(pool.initVolume(volume.config())).toBe(volume)
        expect(pool.getVolume(volume.vid)).toBe(volume)
        expect(await pool.listVolumes()).toContain(volume)
      }
    })

    it('is gone when it was removed, running or not, and can be removed again', async () => {
      const { pool, saved, finds } = await scene()
      const volume = saved()
      await volume.create()
      await volume.start()
      await volume.remove()
      await volume.remove()
      expect(() => pool.getVolume(volume.vid)).toThrow(QubesVolumeNotFoundError)
      await expect(volume.verify()).rejects.toThrow()
      const again = saved()
      await again.create()
      expect(await finds(again)).toBe('')
    })
  })
}
