import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ImageFixture } from './testing/image-fixture.ts'
import { modelledPlace } from './testing/place.ts'
import type { Volume } from './volume.ts'
import { parseVolumeAttributes, volumeAttributes } from './volume-attributes.ts'

describe('stored volumes', () => {
  it('4: are the same after they were read and stored again', async () => {
    const [at, again] = [await ImageFixture.make(modelledPlace()), await ImageFixture.make(modelledPlace())]
    const source = at.origin('vm-templates/debian', { name: 'root' })
    const volumes = [
      source,
      at.snapshot(source, 'appvms/work', { revisionsToKeep: 0 }),
      at.origin('appvms/work', { revisionsToKeep: -1, rw: false }),
      at.volatile('appvms/work', { ephemeral: true }),
      at.volatile('appvms/small', { size: 0n, ephemeral: false }),
    ]
    for (const volume of volumes) {
      const stored = volumeAttributes(volume)
      expect(JSON.stringify(volumeAttributes(load(again, stored)))).toBe(JSON.stringify(stored))
    }
    expect(Object.entries(volumeAttributes(volumes[1] as Volume))).toEqual(
      Object.entries({
        name: 'root',
        pool: 'main',
        vid: 'appvms/work/root',
        revisions_to_keep: '0',
        rw: 'True',
        save_on_stop: 'False',
        snap_on_start: 'True',
        source: 'vm-templates/debian/root',
      }),
    )
    expect(volumeAttributes(source)).not.toHaveProperty('ephemeral')
    expect(volumeAttributes(volumes[3] as Volume)).toMatchObject({ ephemeral: 'True', size: '1048576' })
  })

  it('drop what old versions wrote and refuse what nobody writes', () => {
    expect(parseVolumeAttributes({ internal: 'True', name: 'root', rw: 'False' })).toEqual({ name: 'root', rw: false })
    const bad: Record<string, string>[] = [
      { rw: 'true' },
      { rw: '' },
      { size: '-1' },
      { size: '01' },
      { revisions_to_keep: '-2' },
      { toString: 'x' },
    ]
    for (const attributes of bad) expect(() => parseVolumeAttributes(attributes)).toThrow(/Invalid/)
  })

  it('never read as anything but a volume or an error', () => {
    const keys = fc.constantFrom('name', 'rw', 'size', 'ephemeral', 'revisions_to_keep', 'source', 'other', '__proto__')
    fc.assert(
      fc.property(fc.dictionary(keys, fc.oneof(fc.string(), fc.constantFrom('True', '1', '-1'))), (attributes) => {
        try {
          const { rw, size, revisionsToKeep } = parseVolumeAttributes(attributes)
          expect(['boolean', 'undefined']).toContain(typeof rw)
          expect(size ?? 0n).toBeGreaterThanOrEqual(0n)
          expect(revisionsToKeep ?? 0).toBeGreaterThanOrEqual(-1)
        } catch (error) {
          expect(String(error)).toMatch(/^QubesValueError: Invalid/)
        }
      }),
    )
  })
})

/** Makes the volume again from its stored form, as a start of the daemon does. */
function load(at: ImageFixture, attributes: Record<string, string>): Volume {
  const { pool: _, source: sourceVid, ...stored } = parseVolumeAttributes(attributes)
  const plain = { name: '', rw: false, snapOnStart: false, saveOnStop: false }
  const source = sourceVid && at.pool.getVolume(sourceVid)
  return at.pool.initVolume({ ...plain, ...stored, ...(source && { source }) })
}
