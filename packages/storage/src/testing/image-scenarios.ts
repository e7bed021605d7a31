import {
  QubesNotImplementedError,
  QubesVMError,
  QubesVolumeRevisionNotFoundError,
  StoragePoolException,
} from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { supported } from '../volume.ts'
import { describeImageChanges } from './image-change-scenarios.ts'
import { ImageFixture, MiB } from './image-fixture.ts'
import { guestWrites, type Place } from './place.ts'

/** Tests of volumes of image files for every file system; numbers are those of the conformance list (part D). */
export function describeImages(title: string, placeOf: () => Place): void {
  const make = (options = {}) => ImageFixture.make(placeOf(), 'file-reflink', options)

  describe(`${title}: origin`, () => {
    it('10: creates a clean image and its precache, sparse and private', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { size: 1024n * MiB })
      await volume.create()
      for (const suffix of ['.img', '-precache.img']) {
        const stat = await at.stat(volume, suffix)
        expect(stat).toMatchObject({ size: 1024n * MiB, mode: 0o600 })
        expect(stat?.allocated).toBeLessThan(MiB)
      }
      expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
    })

    it('12: start turns the precache into the dirty image', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      const clean = await at.stat(volume)
      await volume.start()
      expect(await at.names()).toEqual(['private-dirty.img', 'private.img'])
      expect(await at.stat(volume)).toMatchObject({ inode: clean?.inode, mtimeNs: clean?.mtimeNs })
      expect(await volume.isDirty()).toBe(true)
      expect(volume.path).toBe(at.path(volume, '-dirty.img'))
      expect(await volume.blockDevice()).toEqual({
        path: volume.path,
        format: 'raw',
        kind: 'file',
        rw: true,
        disposable: false,
      })
    })

    it('13: stop commits, keeps one revision and makes a new precache', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'one')
      await at.cycle(volume, 'two')
      expect(await at.content(volume)).toBe('two')
      expect(await volume.isDirty()).toBe(false)
      const [clean, precache] = [await at.stat(volume), await at.stat(volume, '-precache.img')]
      expect(precache?.size).toBe(clean?.size)
      expect((precache?.mtimeNs ?? 0n) / 1000n).toBe((clean?.mtimeNs ?? 1n) / 1000n)
      const [revision, ...others] = await volume.revisions()
      expect(others).toEqual([])
      expect(await at.content(volume, `.img.${revision?.id}@${revision?.time}Z`)).toBe('one')
    })

    it('stop is safe for a volume that never started', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await volume.stop()
      await volume.stop()
      expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
    })

    it('14: keeps as many revisions as it should, and prunes at the next stop', async () => {
      const at = await make()
      const [none, three] = [
        at.origin('appvms/a', { revisionsToKeep: 0 }),
        at.origin('appvms/b', { revisionsToKeep: 3 }),
      ]
      for (const volume of [none, three]) {
        await volume.create()
        for (let run = 1; run <= 5; run++) await at.cycle(volume, `run ${run}`)
      }
      expect(await at.revisionIds(none)).toEqual([])
      expect(await at.revisionIds(three)).toEqual(['3', '4', '5'])
      three.revisionsToKeep = 1
      expect(await at.revisionIds(three)).toEqual(['3', '4', '5'])
      await at.cycle(three, 'run 6')
      expect(await at.revisionIds(three)).toEqual(['6'])
    })

    it('15: orders revisions by number and dates them by the image they keep', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: 10 })
      await volume.create()
      const times: string[] = []
      for (let run = 1; run <= 10; run++) {
        const modified = Number(((await at.stat(volume))?.mtimeNs ?? 0n) / 1_000_000n)
        times.push(new Date(modified).toISOString().slice(0, 19))
        await at.cycle(volume, `run ${run}`)
      }
      expect(await volume.revisions()).toEqual(times.map((time, index) => ({ id: String(index + 1), time })))
    })

    it('21: reverts, which can itself be reverted', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: 2 })
      await volume.create()
      await at.cycle(volume, 'one')
      await at.cycle(volume, 'two')
      await expect(supported(volume, 'revert')('77')).rejects.toThrow(QubesVolumeRevisionNotFoundError)
      await volume.start()
      await expect(supported(volume, 'revert')('2')).rejects.toThrow('not cleanly stopped')
      await volume.stop()
      await supported(volume, 'revert')('2')
      expect(await at.content(volume)).toBe('one')
      expect(await at.revisionIds(volume)).toEqual(['3', '4'])
      await supported(volume, 'revert')()
      expect(await at.content(volume)).toBe('two')
      volume.revisionsToKeep = 0
      await supported(volume, 'revert')('5')
      expect(await at.content(volume)).toBe('one')
      expect(await at.revisionIds(volume)).toEqual(['3'])
      await volume.start()
      expect(await at.content(volume, '-dirty.img')).toBe('one')
    })

    it('snapshot keeps the committed state, within the limit, and revert consumes it', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: 1 })
      await volume.create()
      await at.cycle(volume, 'one')
      expect(await supported(volume, 'snapshot')()).toBe('2')
      expect(await at.revisionIds(volume)).toEqual(['2'])
      await supported(volume, 'revert')('2')
      expect(await at.content(volume)).toBe('one')
      expect(await at.revisionIds(volume)).toEqual(['3'])
      await at.cycle(volume, 'two')
      await supported(volume, 'revert')()
      expect(await at.content(volume)).toBe('one')
      volume.revisionsToKeep = 0
      await expect(supported(volume, 'snapshot')()).rejects.toThrow(StoragePoolException)
    })

    it('22: grows while running; the committed image follows at stop', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await volume.start()
      await volume.resize(2n * MiB)
      expect((await at.stat(volume, '-dirty.img'))?.size).toBe(2n * MiB)
      expect((await at.stat(volume))?.size).toBe(MiB)
      await expect(volume.resize(MiB)).rejects.toThrow('Cannot shrink')
      await volume.stop()
      expect((await at.stat(volume))?.size).toBe(2n * MiB)
      expect(await volume.size()).toBe(2n * MiB)
      expect(volume.config().size).toBe(2n * MiB)
    })

    it('23: resizes a halted volume as a new file; a running child keeps the old one', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'content')
      const child = at.snapshot(volume)
      await child.start()
      const before = await at.stat(volume)
      await volume.resize(2n * MiB)
      expect((await at.stat(volume))?.inode).not.toBe(before?.inode)
      expect(await at.stat(volume)).toMatchObject({ size: 2n * MiB, mode: 0o600 })
      expect(await child.isOutdated()).toBe(true)
      expect(await at.content(child, '-dirty.img')).toBe('content')
      expect((await at.stat(volume, '-precache.img'))?.size).toBe(2n * MiB)
      await volume.resize(MiB / 2n)
      expect(await at.content(volume)).toBe('content')
      expect(await volume.size()).toBe(MiB / 2n)
    })

    it('24: a read-only volume is not resized', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { rw: false })
      await volume.create()
      await expect(volume.resize(2n * MiB)).rejects.toThrow('is read-only')
      volume.rw = true
      await expect(volume.resize(0n)).rejects.toThrow('Invalid size')
      await volume.resize(2n * MiB)
    })

    it('31: a precache that is no copy of the image any more is dropped', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'real')
      await guestWrites(at.place.os, at.path(volume, '-precache.img'), 'forged')
      await at.place.os.files.setModified(at.path(volume, '-precache.img'), 1_700_000_000_000_000_000n)
      await volume.start()
      expect(at.warnings).toHaveLength(1)
      expect(await at.content(volume, '-dirty.img')).toBe('real')
    })

    it('31: a precache of another size is dropped, even if its time is right', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      const { mtimeNs = 0n } = (await at.stat(volume)) ?? {}
      await at.place.os.files.truncate(at.path(volume, '-precache.img'), 2n * MiB)
      await at.place.os.files.setModified(at.path(volume, '-precache.img'), mtimeNs)
      await volume.start()
      expect(at.warnings).toHaveLength(1)
      expect((await at.stat(volume, '-dirty.img'))?.size).toBe(MiB)
    })

    it('32: an image edited by hand is what the domain starts from', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'real')
      await guestWrites(at.place.os, at.path(volume, '.img'), 'edited')
      await at.place.os.files.setModified(at.path(volume, '.img'), 1_700_000_000_000_000_000n)
      await volume.start()
      expect(await at.content(volume, '-dirty.img')).toBe('edited')
    })

    it('verify finds a missing image', async () => {
      const at = await make()
      const volume = at.origin()
      const child = at.snapshot(volume)
      await expect(volume.verify()).rejects.toThrow(`Missing image file ${at.path(volume, '.img')} for volume`)
      await expect(child.verify()).rejects.toThrow('Missing image file')
      await expect(volume.start()).rejects.toThrow('Missing image file')
      await volume.create()
      await volume.verify()
      await child.verify()
      await at.volatile().verify()
    })
  })

  describe(`${title}: snapshots disabled`, () => {
    it('16: hands over the image itself and takes it back', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'one')
      volume.revisionsToKeep = -1
      const { inode } = (await at.stat(volume)) ?? {}
      await volume.start()
      expect(await at.names()).toEqual(['private-dirty.img'])
      await expect(volume.export()).rejects.toThrow(StoragePoolException)
      await guestWrites(at.place.os, volume.path, 'two')
      await volume.verify()
      await volume.stop()
      expect(await at.names()).toEqual(['private.img'])
      expect(await at.stat(volume)).toMatchObject({ inode })
      expect(await at.content(volume)).toBe('two')
      await guestWrites(at.place.os, await supported(volume, 'importData')(), 'three')
      await supported(volume, 'importDataEnd')(true)
      expect(await at.names()).toEqual(['private.img'])
      expect(await at.content(volume)).toBe('three')
    })

    it('creates no precache', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: -1 })
      await volume.create()
      expect(await at.names()).toEqual(['private.img'])
    })

    it('refuses to start a child of a running source', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: -1 })
      await volume.create()
      await volume.start()
      const child = at.snapshot(volume)
      await expect(child.start()).rejects.toThrow(QubesVMError)
      await volume.stop()
      await child.start()
    })

    it('does not write into an image that a running child holds', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'old')
      const child = at.snapshot(volume)
      await child.start()
      volume.revisionsToKeep = -1
      await volume.start()
      await guestWrites(at.place.os, volume.path, 'new')
      expect(await at.content(child)).toBe('old')
      await volume.stop()
      expect(await at.content(volume)).toBe('new')
    })

    it('leaves the mode with an uncommitted state', async () => {
      const at = await make()
      const volume = at.origin('appvms/work', { revisionsToKeep: -1 })
      await volume.create()
      await volume.start()
      await guestWrites(at.place.os, volume.path, 'written')
      volume.revisionsToKeep = 1
      await volume.stop()
      expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
      expect(await at.content(volume)).toBe('written')
    })
  })

  describe(`${title}: snapshot and volatile`, () => {
    it('11: have no file before they start', async () => {
      const at = await make()
      const source = at.origin('vm-templates/debian', { name: 'root' })
      await at.snapshot(source, 'appvms/work').create()
      await at.volatile().create()
      expect(await at.names()).toEqual([])
    })

    it('17: a snapshot keeps a name of the image of its source while it runs, and leaves no file', async () => {
      const at = await make()
      const source = at.origin('vm-templates/debian', { name: 'root' })
      await source.create()
      await at.cycle(source, 'template')
      const child = at.snapshot(source)
      await child.start()
      const image = await at.stat(source)
      expect(await at.stat(child)).toMatchObject({ inode: image?.inode })
      expect((await at.stat(child, '-dirty.img'))?.inode).not.toBe(image?.inode)
      expect(await at.stat(child, '-dirty.img')).toMatchObject({ mode: 0o600, size: MiB })
      expect(await child.isDirty()).toBe(false)
      await guestWrites(at.place.os, child.path, 'child')
      await child.stop()
      expect(await at.names('appvms/disp1')).toEqual([])
      expect(await at.content(source)).toBe('template')
      await child.start()
      expect(await at.content(child, '-dirty.img')).toBe('template')
    })

    it('a running copy is private, even if the mode of the image is not', async () => {
      const at = await make()
      const source = at.origin()
      await source.create()
      await at.place.os.files.setMode(at.path(source, '.img'), 0o644)
      const child = at.snapshot(source)
      await child.start()
      expect(await at.stat(child, '-dirty.img')).toMatchObject({ mode: 0o600 })
    })

    it('18: sees its source as it was before the source started', async () => {
      const at = await make()
      const source = at.origin('vm-templates/debian', { name: 'root' })
      await source.create()
      await at.cycle(source, 'before')
      await source.start()
      await guestWrites(at.place.os, source.path, 'during')
      const child = at.snapshot(source)
      await child.start()
      expect(await at.content(child, '-dirty.img')).toBe('before')
    })

    it('19: is outdated once its source is committed, resized, reverted or imported; not when it only starts', async () => {
      const at = await make()
      const source = at.origin('vm-templates/debian', { name: 'root', revisionsToKeep: 5 })
      await source.create()
      const child = at.snapshot(source)
      const changes = [
        () => source.stop(),
        () => source.resize(2n * MiB),
        () => supported(source, 'revert')(),
        () => supported(source, 'importData')().then(() => supported(source, 'importDataEnd')(true)),
      ]
      expect(await child.isOutdated()).toBe(false)
      for (const [index, change] of changes.entries()) {
        await child.start()
        if (index === 0) await source.start()
        expect(await child.isOutdated()).toBe(false)
        await change()
        expect(await child.isOutdated()).toBe(true)
        await child.stop()
        expect(await child.isOutdated()).toBe(false)
      }
    })

    it('a size given by the user grows the copy at each start, and never shrinks it', async () => {
      const at = await make()
      const source = at.origin()
      await source.create()
      const child = at.snapshot(source)
      expect(await child.size()).toBe(MiB)
      await child.resize(2n * MiB)
      expect(await child.size()).toBe(2n * MiB)
      await child.start()
      expect((await at.stat(child, '-dirty.img'))?.size).toBe(2n * MiB)
      await child.stop()
      await source.resize(4n * MiB)
      await child.start()
      expect((await at.stat(child, '-dirty.img'))?.size).toBe(4n * MiB)
    })

    it('20: a volatile volume starts empty each time, with its size', async () => {
      const at = await make()
      const volume = at.volatile()
      await volume.create()
      await volume.start()
      await guestWrites(at.place.os, volume.path, 'secret')
      await volume.resize(2n * MiB)
      await volume.stop()
      expect(await at.names()).toEqual([])
      expect(await volume.size()).toBe(2n * MiB)
      await volume.start()
      expect(await at.content(volume, '-dirty.img')).toBe('')
      expect(await at.stat(volume, '-dirty.img')).toMatchObject({ size: 2n * MiB, mode: 0o600 })
    })

    it('28: cannot be exported, imported into or snapshotted', async () => {
      const at = await make()
      const source = at.origin()
      for (const volume of [at.snapshot(source), at.volatile()]) {
        await expect(volume.export()).rejects.toThrow(QubesNotImplementedError)
        expect(() => supported(volume, 'importData')).toThrow(QubesNotImplementedError)
        expect(() => supported(volume, 'snapshot')).toThrow(QubesNotImplementedError)
        await expect(supported(volume, 'revert')()).rejects.toThrow(QubesVolumeRevisionNotFoundError)
      }
    })
  })

  describeImageChanges(title, placeOf)
}
