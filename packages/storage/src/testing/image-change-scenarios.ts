import { QubesNotImplementedError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { supported } from '../volume.ts'
import { ImageFixture, MiB } from './image-fixture.ts'
import { guestWrites, type Place } from './place.ts'

/** Tests of imports into volumes of image files, and of their removal; the numbers are those of the conformance list (part D). */
export function describeImageChanges(title: string, placeOf: () => Place): void {
  const make = (options = {}) => ImageFixture.make(placeOf(), 'file-reflink', options)

  describe(`${title}: import`, () => {
    it('25: commits the data in the given size, or forgets them', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await at.cycle(volume, 'old')
      await supported(volume, 'importData')()
      await expect(supported(volume, 'importData')()).rejects.toThrow('Import operation in progress')
      await expect(volume.start()).rejects.toThrow('Import operation in progress')
      await supported(volume, 'importDataEnd')(false)
      expect(await at.content(volume)).toBe('old')
      expect(await at.names()).not.toContain('private-import.img')
      const path = await supported(volume, 'importData')(8n * MiB)
      await guestWrites(at.place.os, path, 'new', Number(4n * MiB))
      await supported(volume, 'importDataEnd')(true)
      expect(await at.place.read(at.path(volume, '.img'), Number(4n * MiB))).toBe('new')
      expect(await at.stat(volume)).toMatchObject({ size: 8n * MiB, mode: 0o600 })
      expect((await at.stat(volume))?.allocated).toBeLessThan(MiB)
      expect(await at.revisionIds(volume)).toEqual(['2'])
      await expect(supported(volume, 'importDataEnd')(true)).rejects.toThrow('No import operation in progress')
      await volume.start()
    })

    it('26: an import wins over what a crash left uncommitted', async () => {
      const at = await make()
      const volume = at.origin()
      await volume.create()
      await volume.start()
      await guestWrites(at.place.os, volume.path, 'crashed')
      await guestWrites(at.place.os, await supported(volume, 'importData')(), 'imported')
      await supported(volume, 'importDataEnd')(true)
      await volume.start()
      expect(await at.content(volume, '-dirty.img')).toBe('imported')
    })

    it('27: takes over what another volume committed', async () => {
      const at = await make()
      const [source, target] = [at.origin('appvms/a'), at.origin('appvms/b', { size: 4n * MiB })]
      await source.create()
      await target.create()
      await at.cycle(source, 'committed')
      await source.start()
      await guestWrites(at.place.os, source.path, 'running')
      await target.importVolume(source)
      expect(await at.content(target)).toBe('committed')
      expect(await target.size()).toBe(MiB)
      const volatile = at.volatile()
      await volatile.importVolume(source)
      expect(await at.names()).toEqual([])
      await expect(target.importVolume(volatile)).rejects.toThrow(QubesNotImplementedError)
      expect(await at.names('appvms/b')).not.toContain('private-import.img')
    })

    it('takes over a volume of another pool', async () => {
      const at = await make()
      const other = await ImageFixture.make(at.place, 'file')
      const [source, target] = [other.origin('appvms/a'), at.origin()]
      await source.create()
      await target.create()
      await other.cycle(source, 'elsewhere')
      await target.importVolume(source)
      expect(await at.content(target)).toBe('elsewhere')
    })
  })

  describe(`${title}: remove`, () => {
    it('29: leaves nothing of the volume and everything of its neighbours', async () => {
      const at = await make()
      const [volume, sibling, neighbour] = [
        at.origin('appvms/work', { name: 'root' }),
        at.origin('appvms/work', { name: 'root2' }),
        at.origin('appvms/work2', { name: 'root' }),
      ]
      for (const each of [volume, sibling, neighbour]) await each.create()
      for (let run = 0; run < 3; run++) await at.cycle(volume, 'x')
      await volume.start()
      await volume.importVolume(sibling)
      await at.place.os.files.create(at.path(volume, '.img~x'), { data: new Uint8Array(3) })
      await at.place.os.files.create(at.path(volume, '-import.img'), { data: new Uint8Array(3) })
      await volume.remove()
      expect(await at.names()).toEqual(['root2-precache.img', 'root2.img'])
      expect(() => at.pool.getVolume(volume.vid)).toThrow('has no volume')
      await sibling.remove()
      expect(await at.names('appvms')).toEqual(['work2'])
      expect(await at.names('appvms/work2')).toEqual(['root-precache.img', 'root.img'])
      await sibling.remove()
    })

    it('30: takes special characters of a volume id as they are', async () => {
      const at = await make()
      const [odd, plain] = [at.origin('appvms/w*[ab]'), at.origin('appvms/wxa')]
      for (const volume of [odd, plain]) {
        await volume.create()
        await at.cycle(volume, 'x')
      }
      expect(await at.revisionIds(odd)).toEqual(['1'])
      await odd.remove()
      expect(await at.names('appvms/wxa')).toHaveLength(3)
    })

    it('create begins with nothing of an earlier volume, whose images are kept under other names', async () => {
      const at = await make()
      const old = at.origin()
      await old.create()
      await at.cycle(old, 'old')
      await old.start()
      await at.origin().create()
      const aside = ['private-dirty.img.aside-1', 'private.img.aside-1']
      expect(await at.names()).toEqual([...aside, 'private-precache.img', 'private.img'].sort())
      expect(await at.content(old)).toBe('')
      expect(await at.content(old, '.img.aside-1')).toBe('old')
    })
  })
}
