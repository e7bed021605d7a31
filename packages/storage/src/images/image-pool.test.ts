import { QubesVolumeNotFoundError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { createPool } from '../pool-drivers.ts'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { modelledPlace } from '../testing/place.ts'

const warn = (): void => {}

function plainMachine() {
  const { os } = modelledPlace({ reflink: false })
  return os
}

describe('pools of image files', () => {
  it('35: setup refuses a file system without reflink, names the option and removes only what it made', async () => {
    const os = plainMachine()
    const pool = createPool('file-reflink', 'p', { dir_path: '/pools/p' }, os)
    await expect(pool.setup()).rejects.toThrow('setup_check=False')
    expect(await os.files.list('/pools')).toEqual([])
    await os.files.makeFolder('/pools/p', 0o700)
    await expect(pool.setup()).rejects.toThrow('reflink')
    expect(await os.files.list('/pools')).toEqual(['p'])
    expect(await os.files.list('/pools/p')).toEqual([])
    const unchecked = createPool('file-reflink', 'p', { dir_path: '/pools/p', setup_check: 'False' }, os)
    await unchecked.setup()
    expect(unchecked.config()).not.toHaveProperty('setup_check')
    expect(await os.files.list('/pools/p')).toEqual(['appvms', 'vm-templates'])
    expect(unchecked.capabilities.reflink).toBe(false)
  })

  it('setup undoes what it made when it fails half way, and makes one level only', async () => {
    const { os } = modelledPlace()
    const pool = createPool('file-reflink', 'p', { dir_path: '/pools/p' }, os)
    os.files.faults.failNext('makeFolder', 'ENOSPC', '/pools/p/vm-templates')
    await expect(pool.setup()).rejects.toThrow(
      'Cannot set up pool p in folder /pools/p: no space is left on the file system (/pools/p/vm-templates)',
    )
    expect(await os.files.list('/pools')).toEqual([])
    await expect(createPool('file', 'q', { dir_path: '/pools/a/b' }, os).setup()).rejects.toThrow(
      'there is no such file or folder',
    )
  })

  it('setup survives a power loss once it returned', async () => {
    const { os } = modelledPlace()
    await createPool('file-reflink', 'p', { dir_path: '/pools/p' }, os).setup()
    os.losePower()
    await createPool('file-reflink', 'p', { dir_path: '/pools/p' }, os).open()
    expect(await os.files.list('/pools/p')).toEqual(['appvms', 'vm-templates'])
  })

  it('open does not look at the volumes', async () => {
    const place = modelledPlace()
    const at = await ImageFixture.make(place)
    for (let each = 0; each < 50; each++) await at.origin(`appvms/work${each}`).create()
    place.os.restart()
    const before = place.os.files.faults.trace.length
    await at.afterCrash()
    expect(place.os.files.faults.trace.length - before).toBeLessThan(20)
  })

  it('know the volumes that were made, not the files', async () => {
    const at = await ImageFixture.make(modelledPlace())
    const volume = at.origin()
    await volume.create()
    expect(await at.pool.listVolumes()).toEqual([volume])
    expect(at.pool.getVolume('appvms/work/private')).toBe(volume)
    expect(() => at.pool.getVolume('appvms/other/private')).toThrow(QubesVolumeNotFoundError)
    await volume.remove()
    expect(await at.pool.listVolumes()).toEqual([])
  })

  it('a new volume never destroys images of an unknown volume: they are moved aside, and a warning says so', async () => {
    for (const role of ['origin', 'volatile'] as const) {
      const place = modelledPlace()
      const before = await ImageFixture.make(place)
      const lost = before.origin('appvms/work', role === 'volatile' ? { name: 'volatile' } : {})
      await lost.create()
      for (const content of ['older', 'precious']) await before.cycle(lost, content)
      // A daemon whose database was lost knows no volume.
      place.os.restart()
      const at = await before.afterCrash()
      const made = at[role]()
      await made.create()
      const aside = (await at.names()).filter((name) => name.includes('.aside-'))
      expect(aside.map((name) => name.replace(/@.*Z/, '@'))).toEqual([
        `${made.name}.img.2@.aside-1`,
        `${made.name}.img.aside-1`,
      ])
      expect(await at.content(made, '.img.aside-1')).toBe('precious')
      expect(at.warnings).toContainEqual(expect.stringContaining(`moved the image to ${at.path(made, '.img.aside-1')}`))
      await made.remove()
      expect((await at.names()).filter((name) => name.includes('.aside-'))).toEqual(aside)
      const paths = aside.map((name) => `${at.dirPath}/appvms/work/${name}`).sort()
      expect(await at.pool.movedAside?.()).toEqual(paths)
      await at.pool.close()
      expect(await at.pool.movedAside?.()).toEqual([])
      // The next daemon finds them, until they are gone.
      const next = await before.afterCrash()
      await expect.poll(() => next.pool.movedAside?.()).toEqual(paths)
      for (const path of paths) await place.os.files.unlink(path)
      expect(await next.pool.movedAside?.()).toEqual([])
    }
  })

  it('a second image of the same name is moved aside under another number', async () => {
    const place = modelledPlace()
    let at = await ImageFixture.make(place)
    for (const content of ['one', 'two', 'three']) {
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, content)
      place.os.restart()
      at = await at.afterCrash()
    }
    await at.origin().create()
    const contents = await Promise.all([1, 2, 3].map((number) => at.content(at.origin(), `.img.aside-${number}`)))
    expect(contents).toEqual(['one', 'two', 'three'])
  })

  it('images whose removal failed are removed by a new volume of that name', async () => {
    const place = modelledPlace()
    const at = await ImageFixture.make(place)
    const volume = at.origin()
    await volume.create()
    await at.cycle(volume, 'not wanted')
    place.os.files.faults.failNext('unlink', 'EIO', at.path(volume, '.img'))
    await expect(volume.remove()).rejects.toThrow(/input\/output error|EIO/)
    await at.origin().create()
    expect((await at.names()).filter((name) => name.includes('.aside-'))).toEqual([])
    expect(await at.content(volume)).not.toBe('not wanted')
  })

  it('are opened by the first change of a volume when they could not be opened before', async () => {
    const place = modelledPlace()
    const { os } = place
    const before = await ImageFixture.make(place)
    const known = before.origin()
    await known.create()
    os.restart()
    await os.files.rename(before.dirPath, `${before.dirPath}-away`)
    const pool = createPool('file', 'main', { dir_path: before.dirPath }, os)
    await expect(pool.open()).rejects.toThrow('no such file or folder')
    const volume = pool.initVolume({ ...known.config(), vid: known.vid })
    await expect(volume.start()).rejects.toThrow('Cannot open pool main in folder')
    await os.files.rename(`${before.dirPath}-away`, before.dirPath)
    await volume.start()
    expect(await os.files.stat(volume.path)).toBeDefined()
    await pool.close()
    await expect(volume.stop()).rejects.toThrow('Pool main is closed')
  })

  it('52: closing removes no data', async () => {
    const at = await ImageFixture.make(modelledPlace())
    await at.origin().create()
    await at.pool.close()
    expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
    expect(await at.place.os.files.list(at.dirPath)).toEqual(['appvms', 'vm-templates'])
  })

  it('53: tell the size and usage of the file system, and nothing when the folder is missing', async () => {
    const { os } = modelledPlace()
    const pool = createPool('file-reflink', 'p', { dir_path: '/pools/p' }, os)
    expect(await pool.usageDetails()).toEqual({})
    await pool.setup()
    await os.files.create('/pools/x', { data: new Uint8Array(4096) })
    const { data_size: size = 0n, data_usage: usage = 0n } = await pool.usageDetails()
    expect([size, usage > 0n, usage < MiB]).toEqual([1n << 40n, true, true])
  })

  it('know which pool holds them', async () => {
    const { os } = modelledPlace()
    const make = (name: string, path: string, driver = 'file') => createPool(driver, name, { dir_path: path }, os, warn)
    const outer = make('outer', '/pools/a')
    const [middle, beside] = [make('middle', '/pools/a/b'), make('beside', '/pools/a/b2')]
    for (const pool of [outer, middle, beside]) await pool.setup()
    const inner = make('inner', '/pools/a/b/c')
    const kernels = make('kernels', '/pools/a/b/appvms', 'linux-kernel')
    const all = [outer, middle, beside, inner]
    expect(await inner.includedIn(all)).toBeUndefined()
    await inner.setup()
    expect(await inner.includedIn(all)).toBe('middle')
    expect(await kernels.includedIn(all)).toBe('middle')
    expect(await beside.includedIn(all)).toBe('outer')
    expect(await outer.includedIn(all)).toBeUndefined()
  })
})
