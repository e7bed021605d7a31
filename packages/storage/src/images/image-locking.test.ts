import { describe, expect, it } from 'vitest'
import { ImageFixture } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace } from '../testing/place.ts'
import { supported } from '../volume.ts'

describe('operations on one volume', () => {
  it('happen one after the other when they are called at once', async () => {
    const at = await ImageFixture.make(modelledPlace(), 'file-reflink', { revisions_to_keep: '50' })
    const volume = at.origin()
    const work = [volume.create()]
    for (let cycle = 0; cycle < 10; cycle++) work.push(volume.start(), volume.stop(), supported(volume, 'revert')())
    await Promise.all(work)
    expect(await at.names()).toHaveLength(2 + (await volume.revisions()).length)
    expect(await volume.isDirty()).toBe(false)
  })

  it('are done although one before them has failed', async () => {
    const place = modelledPlace()
    const at = await ImageFixture.make(place)
    const volume = at.origin()
    place.os.files.faults.failNext('sync', 'EIO')
    const [first, second] = await Promise.allSettled([volume.create(), volume.create()])
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled'])
  })

  it('of two domains overlap, and a child can start while its source commits', async () => {
    const at = await ImageFixture.make(modelledPlace())
    const source = at.origin('vm-templates/debian', { name: 'root' })
    await source.create()
    await at.cycle(source, 'old')
    for (let round = 0; round < 20; round++) {
      await source.start()
      await guestWrites(at.place.os, source.path, `round ${round}`)
      const before = await at.content(source)
      const children = Array.from({ length: 5 }, (_, index) => at.snapshot(source, `appvms/disp${index}`))
      await Promise.all([source.stop(), ...children.map((child) => child.start())])
      for (const child of children) {
        expect([before, `round ${round}`]).toContain(await at.content(child, '-dirty.img'))
        await child.stop()
      }
    }
  })

  it('see only an end of an import that began in this daemon', async () => {
    const at = await ImageFixture.make(modelledPlace())
    const volume = at.origin()
    await volume.create()
    await supported(volume, 'importData')()
    const after = await (async () => {
      await at.pool.close()
      return at.afterCrash()
    })()
    await expect(supported(after.origin(), 'importDataEnd')(true)).rejects.toThrow('No import operation in progress')
    await after.origin().start()
    expect(await after.names()).toEqual(['private-dirty.img', 'private.img'])
  })

  it('are refused while an import is under way', async () => {
    const at = await ImageFixture.make(modelledPlace())
    const [volume, other] = [at.origin(), at.origin('appvms/other')]
    for (const each of [volume, other]) await each.create()
    await at.cycle(volume, 'x')
    await supported(volume, 'importData')()
    await volume.stop()
    for (const work of [
      volume.start(),
      supported(volume, 'revert')(),
      volume.importVolume(other),
      supported(volume, 'importData')(),
    ]) {
      await expect(work).rejects.toThrow('Import operation in progress on appvms/work/private')
    }
    await guestWrites(at.place.os, at.path(volume, '-import.img'), 'imported')
    await supported(volume, 'importDataEnd')(true)
    expect(await at.content(volume)).toBe('imported')
  })
})
