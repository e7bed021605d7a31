import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ImageFixture } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace, realPlace } from '../testing/place.ts'
import { supported } from '../volume.ts'

describe('what a killed daemon has left in a pool', () => {
  it('is removed at the next start of the daemon, also of volumes that are never started', async () => {
    const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-sweep-'))
    onTestFinished(() => fs.rm(folder, { recursive: true }))
    for (const place of [realPlace(folder, false), modelledPlace()]) {
      const at = await ImageFixture.make(place)
      const volume = at.origin()
      await volume.create()
      const before = await at.names()
      await at.pool.close()
      const { files } = place.os
      for (const name of ['private.img~abc-1', 'private-precache.img~4d2-z', 'private-import.img', 'gone-import.img'])
        await files.create(`${at.dirPath}/appvms/work/${name}`, { data: new Uint8Array(9) })
      await files.create(`${at.dirPath}/.probe~abc-0`, { data: new Uint8Array(9) })
      await files.create(`${at.dirPath}/appvms/work/private.img.of-mine`, {})
      const after = await at.afterCrash()
      await expect.poll(() => after.names()).toEqual([...before, 'private.img.of-mine'].sort())
      expect(await files.list(at.dirPath)).not.toContain('.probe~abc-0')
      await after.pool.close()
    }
  })

  it('is told from what this daemon has just begun', async () => {
    const at = await ImageFixture.make(modelledPlace())
    const volume = at.origin()
    await volume.create()
    await at.pool.close()
    await at.pool.open()
    await guestWrites(at.place.os, await supported(volume, 'importData')(), 'imported')
    await at.pool.close()
    await at.pool.open()
    await supported(volume, 'importDataEnd')(true)
    expect(await at.content(volume)).toBe('imported')
  })
})
