import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { describeImages } from '../../testing/image-scenarios.ts'
import { loopMount } from '../../testing/loop-mount.ts'
import { realPlace } from '../../testing/place.ts'

for (const type of ['btrfs', 'xfs'] as const) {
  const mount = await loopMount(type)
  if (typeof mount === 'string') {
    console.warn(`skipped: ${mount}`)
    describe.skip(mount)
  } else {
    afterAll(() => mount.close())
    describeImages(type, () => realPlace(mount.folder, true))
  }
}

const plain = await fs.mkdtemp(join(tmpdir(), 'cloister-plain-'))
afterAll(() => fs.rm(plain, { recursive: true }))
describeImages('the file system of the temporary folder', () => realPlace(plain, false))
