import { QubesNotImplementedError, QubesValueError, StoragePoolException } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from './testing/image-fixture.ts'
import { modelledPlace } from './testing/place.ts'
import { sameVolume } from './volume-kinds.ts'

describe.each(['file-reflink', 'file'])('volumes of the driver %s', (driver) => {
  const make = () => ImageFixture.make(modelledPlace(), driver)

  it('1: need a source exactly when they snapshot on start', async () => {
    const at = await make()
    const source = at.origin()
    expect(() => at.volatile('appvms/x', { name: 'root', snapOnStart: true })).toThrow(StoragePoolException)
    expect(() => at.volatile('appvms/x', { name: 'root', snapOnStart: true })).toThrow(
      "snap_on_start specified on 'root' but no volume source set",
    )
    expect(() => at.volatile('appvms/x', { name: 'root', source })).toThrow(
      "source specified on 'root' but no snap_on_start set",
    )
  })

  it('2: cannot both snapshot on start and save on stop', async () => {
    const at = await make()
    expect(() => at.snapshot(at.origin(), 'appvms/x', { saveOnStop: true })).toThrow(QubesNotImplementedError)
  })

  it('need a source of the same pool', async () => {
    const [at, other] = [await make(), await make()]
    expect(() => at.snapshot(other.origin())).toThrow('must be in the same pool')
  })

  it('3: are the same when pool and volume id are', async () => {
    const [at, other] = [await make(), await make()]
    expect(sameVolume(at.origin(), at.origin())).toBe(true)
    expect(at.origin()).toBe(at.origin())
    expect(sameVolume(at.origin(), other.origin())).toBe(false)
    expect(sameVolume(at.origin(), at.origin('appvms/other'))).toBe(false)
  })

  it('are made anew when the source is another one', async () => {
    const at = await make()
    const [one, two] = [
      at.origin('vm-templates/one', { name: 'root' }),
      at.origin('vm-templates/two', { name: 'root' }),
    ]
    const before = at.snapshot(one, 'appvms/work')
    const after = at.snapshot(two, 'appvms/work')
    expect(after).not.toBe(before)
    expect(after.source).toBe(two)
    expect(at.pool.getVolume('appvms/work/root')).toBe(after)
    await before.remove()
    expect(at.pool.getVolume('appvms/work/root')).toBe(after)
  })

  it('have ids that name exactly their files', async () => {
    const at = await make()
    const bad = [
      'work/private',
      'appvms/private',
      'other/work/private',
      'appvms/../private',
      'appvms/work/private-dirty',
    ]
    for (const vid of [...bad, 'appvms/work/x/private', 'appvms/wo\nrk/private', '/appvms/work/private', '']) {
      expect(() => at.origin('appvms/work', { vid }), vid).toThrow('Invalid volume id')
    }
    expect(at.origin('appvms/work', { vid: 'vm-templates/debian-12/root' }).vid).toBe('vm-templates/debian-12/root')
  })

  it('50: are ephemeral only when they start empty and are written', async () => {
    const at = await make()
    const [origin, volatile] = [at.origin(), at.volatile()]
    expect(volatile.isEphemeral).toBe(false)
    at.pool.ephemeralVolatile = true
    expect(volatile.isEphemeral).toBe(true)
    expect(volatile.config()).not.toHaveProperty('ephemeral')
    volatile.ephemeral = false
    expect(volatile.isEphemeral).toBe(false)
    volatile.ephemeral = true
    expect(volatile.config().ephemeral).toBe(true)
    await expect(volatile.start()).rejects.toThrow('it is ephemeral, and pool main cannot encrypt')
    expect(await at.names()).toEqual([])
    for (const other of [origin, at.snapshot(origin), at.volatile('appvms/x', { rw: false })]) {
      expect(other.isEphemeral).toBe(false)
      expect(() => {
        other.ephemeral = true
      }).toThrow(QubesValueError)
      other.ephemeral = false
    }
    expect(() => at.origin('appvms/y', { ephemeral: true })).toThrow(
      'Only a writable volume that starts empty can be ephemeral',
    )
    // It was made ephemeral first and read-only then.
    expect(at.volatile('appvms/y', { ephemeral: true, rw: false }).ephemeral).toBe(true)
  })

  it('4: are the same when they are made again from their config', async () => {
    const [at, again] = [await make(), await make()]
    const source = at.origin('vm-templates/debian', { name: 'root' })
    const volumes = [
      source,
      at.snapshot(source, 'appvms/work', { revisionsToKeep: 0 }),
      at.origin('appvms/work', { revisionsToKeep: -1, rw: false }),
      at.volatile('appvms/work', { ephemeral: true }),
      at.volatile('appvms/small', { size: 0n, ephemeral: false }),
    ]
    for (const volume of volumes) {
      const config = volume.config()
      const sourceAgain = config.source && { source: again.pool.getVolume(config.source.vid) }
      expect(again.pool.initVolume({ ...config, ...sourceAgain }).config()).toEqual({ ...config, ...sourceAgain })
    }
    expect(source.config()).toEqual({
      name: 'root',
      vid: 'vm-templates/debian/root',
      rw: true,
      snapOnStart: false,
      saveOnStop: true,
      revisionsToKeep: 1,
      size: MiB,
    })
  })

  it('keep a possible number of revisions', async () => {
    const at = await make()
    const volume = at.origin()
    for (const bad of [-2, 0.5, Number.NaN]) {
      expect(() => {
        volume.revisionsToKeep = bad
      }).toThrow('Invalid value for revisions_to_keep')
    }
    volume.revisionsToKeep = -1
    expect(volume.config().revisionsToKeep).toBe(-1)
  })

  it('need a size to be created with', async () => {
    const at = await make()
    await expect(at.origin('appvms/work', { size: 0n }).create()).rejects.toThrow('Invalid size')
    await expect(at.volatile('appvms/work', { size: 0n }).start()).rejects.toThrow('Invalid size')
    await expect(at.origin('appvms/big', { size: 1n << 60n }).create()).rejects.toThrow('Invalid size')
  })
})
