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
