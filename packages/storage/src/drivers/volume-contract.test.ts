import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { afterAll } from 'vitest'
import { ImageFixture } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace, type Place, realPlace } from '../testing/place.ts'
import { describeVolumes, type VolumeSubject } from '../testing/volume-scenarios.ts'
import type { Volume } from '../volume.ts'

const { processes } = nodeOs()
const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-contract-'))
afterAll(() => fs.rm(folder, { recursive: true }))

async function subject(place: Place, driver: string): Promise<VolumeSubject> {
  const { pool } = await ImageFixture.make(place, driver)
  const isOverlay = async (volume: Volume): Promise<boolean> => (await volume.blockDevice())?.format === 'qcow2'
  return {
    pool,
    guestReads: async (volume) => ((await isOverlay(volume)) ? overlayReads(volume.path) : place.read(volume.path)),
    guestWrites: async (volume, text) =>
      (await isOverlay(volume)) ? overlayWrites(volume.path, text) : guestWrites(place.os, volume.path, text),
    read: (path) => place.read(path),
    write: (path, text) => guestWrites(place.os, path, text),
  }
}

/** What a guest sees at the beginning of a qcow2 disk. */
async function overlayReads(path: string): Promise<string> {
  const { stdout } = await processes.run(['qemu-io', '-r', '-f', 'qcow2', '-c', 'read -v 0 16', path])
  const [, bytes = ''] = /^00000000:((?: {1,2}[0-9a-f]{2}){16})/m.exec(new TextDecoder().decode(stdout)) ?? []
  const codes = bytes
    .trim()
    .split(/ +/)
    .map((byte) => Number.parseInt(byte, 16))
  return String.fromCharCode(...codes.slice(0, codes.indexOf(0)))
}

async function overlayWrites(path: string, text: string): Promise<void> {
  const source = join(folder, 'written')
  await fs.writeFile(source, `${text}\0`.padEnd(512, '\0'))
  await processes.run(['qemu-io', '-f', 'qcow2', '-c', `write -s ${source} 0 512`, path])
}

describeVolumes('file-reflink on shared blocks', () => subject(modelledPlace(), 'file-reflink'))
describeVolumes('file-reflink with copies', () => subject(modelledPlace({ reflink: false }), 'file-reflink'))
describeVolumes('file on shared blocks', () => subject(modelledPlace(), 'file'))

if (await processes.find('qemu-io')) {
  describeVolumes('file with qcow2 files', () => subject(realPlace(folder, false), 'file'))
} else {
  console.warn('skipped: qemu-io is not installed')
}
