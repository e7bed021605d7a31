import { laterErrors } from '@cloister/kit'
import type { FileStep } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace } from '../testing/place.ts'
import type { Volume } from '../volume.ts'
import { supported } from '../volume.ts'

/** What an operation did to the disk. */
async function tracing() {
  const place = modelledPlace()
  const at = await ImageFixture.make(place)
  const { trace } = place.os.files.faults
  const steps = async (work: () => Promise<unknown>): Promise<FileStep[]> => {
    const before = trace.length
    await work()
    return trace.slice(before)
  }
  const syncs = async (work: () => Promise<unknown>): Promise<number> =>
    (await steps(work)).filter(({ operation }) => operation.startsWith('sync')).length
  return { at, os: place.os, steps, syncs }
}

/** Renames of a file that was not synced since it was last changed, or whose folder was not synced after. */
function careless(steps: readonly FileStep[]): FileStep[] {
  return steps.filter(({ operation, path, from }, index) => {
    if (operation !== 'rename') return false
    const content = steps.slice(0, index).findLast((earlier) => earlier.path === from && isChange(earlier))
    const folder = path.slice(0, path.lastIndexOf('/'))
    const named = steps.slice(index).some((later) => later.operation === 'syncFolder' && later.path === folder)
    return !named || (content !== undefined && content.operation !== 'sync')
  })
}

function isChange({ operation }: FileStep): boolean {
  return ['sync', 'write', 'fill', 'truncate', 'create', 'clone', 'copySparse', 'setModified'].includes(operation)
}

describe('durability of images', () => {
  it('36: a name that counts is given after the content is durable, and made durable itself', async () => {
    const { at, os, steps } = await tracing()
    const volume = at.origin('appvms/work', { revisionsToKeep: 2 })
    const operations = [
      () => volume.create(),
      () => at.cycle(volume, 'one'),
      () => at.cycle(volume, 'two'),
      () => volume.resize(2n * MiB),
      () => supported(volume, 'revert')(),
      () => supported(volume, 'importData')().then(() => supported(volume, 'importDataEnd')(true)),
    ]
    for (const operation of operations) {
      const done = await steps(operation)
      expect(done.map((step) => step.operation)).toContain('rename')
      expect(careless(done)).toEqual([])
    }
    os.losePower()
    expect(await at.content(volume)).toBe('')
  })

  it('costs few syncs', async () => {
    const { at, os, syncs } = await tracing()
    const volume = at.origin('appvms/work')
    const [snapshot, volatile] = [at.snapshot(volume), at.volatile('appvms/disp1')]
    const counts: Record<string, number> = {}
    const count = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      counts[name] = await syncs(work)
    }
    await count('create origin', () => volume.create())
    await count('create snapshot and volatile', () => Promise.all([snapshot.create(), volatile.create()]))
    await count('start origin', () => volume.start())
    await guestWrites(os, volume.path, 'x')
    await count('stop origin', () => volume.stop())
    await count('stop halted origin', () => volume.stop())
    await count('start snapshot and volatile', () => Promise.all([snapshot.start(), volatile.start()]))
    await count('stop snapshot and volatile', () => Promise.all([snapshot.stop(), volatile.stop()]))
    await count('snapshot()', () => supported(volume, 'snapshot')())
    await count('remove snapshot and volatile', () => Promise.all([snapshot.remove(), volatile.remove()]))
    await count('remove origin', () => volume.remove())
    expect(counts).toEqual({
      // the folder's name, the image, its clone, their names
      'create origin': 4,
      'create snapshot and volatile': 0,
      // the name of the dirty image
      'start origin': 1,
      // the revision's name, the new state, its name, the clone, its name
      'stop origin': 5,
      'stop halted origin': 0,
      'start snapshot and volatile': 0,
      'stop snapshot and volatile': 0,
      'snapshot()': 2,
      'remove snapshot and volatile': 1,
      'remove origin': 1,
    })
  })
})

describe('images when the file system fails', () => {
  it.each(['EXDEV', 'EOPNOTSUPP', 'EINVAL', 'EBADF'])('33: copies when blocks cannot be shared (%s)', async (code) => {
    const { at, os, steps } = await tracing()
    const volume = at.origin()
    await volume.create()
    os.files.faults.failNext('clone', code)
    const done = await steps(() => at.cycle(volume, 'x'))
    expect(done.filter(({ operation }) => operation === 'copySparse')).toHaveLength(1)
    expect(await at.names()).toContain('private-precache.img')
  })

  it.each([
    ['EIO', 'the disk has reported an input/output error'],
    ['ENOSPC', 'no space is left on the file system'],
    ['EDQUOT', 'the disk quota is used up'],
    ['EROFS', 'the file system is read-only'],
    ['EMFILE', 'the daemon has too many files open'],
    ['EACCES', 'permission is denied'],
  ])('33: reports %s in words and leaves no temporary file', async (code, words) => {
    const { at, os } = await tracing()
    const volume = at.origin()
    await volume.create()
    await at.cycle(volume, 'x')
    const before = await at.names()
    for (const operation of ['clone', 'fill', 'setMode', 'sync', 'rename']) {
      os.files.faults.failNext(operation, code, /private\.img~/)
      if (operation === 'rename') os.files.faults.failNext(operation, code, /private\.img$/)
      await expect(volume.resize(4n * MiB)).rejects.toThrow(
        `Cannot resize volume appvms/work/private: cannot write the image in its new size: ${words} (${at.path(volume, '.img')})`,
      )
      os.files.faults.clear()
      expect(await at.names()).toEqual(before.filter((name) => !name.includes('precache')))
      expect(await at.content(volume)).toBe('x')
      expect(await volume.size()).toBe(MiB)
    }
  })

  it('an import that fails leaves nothing and can be done again', async () => {
    const { at, os } = await tracing()
    const [source, target] = [at.origin('appvms/a'), at.origin('appvms/b')]
    for (const volume of [source, target]) await volume.create()
    await at.cycle(source, 'x')
    os.files.faults.failNext('clone', 'EIO', /import/)
    await expect(target.importVolume(source)).rejects.toThrow(
      'cannot copy volume appvms/a/private: the disk has reported an input/output error',
    )
    os.files.faults.failNext('sync', 'EIO', /import/)
    await expect(target.importVolume(source)).rejects.toThrow(
      'cannot make the new state durable: the disk has reported an input/output error',
    )
    os.files.faults.failNext('link', 'ENOSPC')
    await expect(target.importVolume(source)).rejects.toThrow(
      'cannot keep the old state as a revision: no space is left',
    )
    await supported(target, 'importData')()
    os.files.faults.failNext('link', 'ENOSPC')
    await expect(supported(target, 'importDataEnd')(true)).rejects.toThrow('no space is left')
    expect(await at.names('appvms/b')).toEqual(['private-precache.img', 'private.img'])
    await target.importVolume(source)
    expect(await at.content(target)).toBe('x')
  })

  it('a stop that fails leaves the volume dirty; the next one commits', async () => {
    const { at, os } = await tracing()
    const volume = at.origin()
    await volume.create()
    await volume.start()
    await guestWrites(os, volume.path, 'x')
    os.files.faults.failNext('rename', 'EIO', /private\.img$/)
    await expect(volume.stop()).rejects.toThrow(
      'cannot put the new state in place: the disk has reported an input/output error',
    )
    expect(await volume.isDirty()).toBe(true)
    await volume.stop()
    expect(await at.content(volume)).toBe('x')
  })

  it('a prepared copy that cannot be made is only a warning', async () => {
    const { at, os } = await tracing()
    const volume = at.origin()
    for (const operation of [
      () => volume.create(),
      () => at.cycle(volume, 'one'),
      () => at.cycle(volume, 'two'),
      () => volume.resize(2n * MiB),
      () => supported(volume, 'revert')(),
    ]) {
      os.files.faults.failNext('setModified', 'ENOSPC', /precache/)
      await operation()
      expect(at.warnings.pop()).toMatch(/Cannot make .*-precache\.img: ENOSPC/)
      expect(await at.names()).not.toContain('private-precache.img')
      expect((await at.names()).filter((name) => name.includes('~'))).toEqual([])
    }
    os.losePower()
    expect(await at.content(volume)).toBe('one')
    await volume.start()
  })

  it('an import keeps its first error when ending the import fails too, with the second attached', async () => {
    const { at, os } = await tracing()
    const [source, target] = [at.origin('appvms/a'), at.origin('appvms/b')]
    for (const volume of [source, target]) await volume.create()
    os.files.faults.failNext('sync', 'ENOSPC', /import/)
    os.files.faults.failNext('unlink', 'EIO', /import/)
    const error: unknown = await target.importVolume(source).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('cannot make the new state durable: no space is left on the file system')
    expect(laterErrors(error).map(String)).toEqual([expect.stringContaining("EIO: unlink '")])
    await target.start()
    expect(await at.names('appvms/b')).toEqual(['private-dirty.img', 'private.img'])
  })

  it('a copy keeps its first error when the source cannot be told of its end', async () => {
    const { at, os } = await tracing()
    const target = at.origin('appvms/b')
    await target.create()
    const source = {
      vid: 'elsewhere',
      export: async () => at.path(target, '.img'),
      exportEnd: () => Promise.reject(new Error('the source is gone')),
    }
    os.files.faults.failNext('clone', 'EIO', /import/)
    const error: unknown = await target.importVolume(source as unknown as Volume).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('cannot copy volume elsewhere: the disk has reported an input/output error')
    expect(laterErrors(error).map(String)).toEqual(['Error: the source is gone'])
  })

  it('questions that the disk cannot answer are errors of the storage', async () => {
    const place = modelledPlace()
    const at = await ImageFixture.make(place)
    const volume = at.origin()
    await place.os.files.create(`${at.dirPath}/appvms/work`, {})
    await expect(volume.revisions()).rejects.toThrow(
      'Cannot read the revisions of volume appvms/work/private: a part of the path is no folder',
    )
  })
})

describe('a file system without hard links', () => {
  it.each(['EXDEV', 'EMLINK'])('copies instead, and still sees what is outdated (%s)', async (code) => {
    const { at, os } = await tracing()
    const source = at.origin('vm-templates/debian', { name: 'root' })
    await source.create()
    await at.cycle(source, 'old')
    const child = at.snapshot(source)
    os.files.faults.failNext('link', code)
    await child.start()
    expect(await at.names('appvms/disp1')).toEqual(['root-dirty.img', 'root-source.json', 'root.img'])
    expect(await child.isOutdated()).toBe(false)
    os.files.faults.failNext('link', code)
    await at.cycle(source, 'new')
    expect(await at.content(source, `.img.2@${(await source.revisions()).at(-1)?.time}Z`)).toBe('old')
    expect(await child.isOutdated()).toBe(true)
    await child.stop()
    expect(await at.names('appvms/disp1')).toEqual([])
    await child.start()
    expect(await child.isOutdated()).toBe(false)
  })
})
