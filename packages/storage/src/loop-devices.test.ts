import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8, utf8Text } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { refreshLoopDevices } from './loop-devices.ts'
import { ImageFixture, MiB } from './testing/image-fixture.ts'
import { modelledPlace, realPlace } from './testing/place.ts'

const { processes } = nodeOs()

async function output(...command: [string, ...string[]]): Promise<string | undefined> {
  return utf8Text((await processes.run(command)).stdout)?.trim()
}

/** Whether this machine lets us have a loop device. */
async function loopsWork(): Promise<boolean> {
  const works = process.getuid?.() === 0 && (await output('losetup', '--find').catch(() => undefined)) !== undefined
  if (!works) console.warn('skipped: no loop devices here')
  return works
}

describe('loop devices', async () => {
  it.skipIf(!(await loopsWork()))('22: of a running volume see its new size', async () => {
    const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-loop-'))
    const at = await ImageFixture.make(realPlace(folder, false))
    const volume = at.origin()
    await volume.create()
    await volume.start()
    const device = await output('losetup', '--find', '--show', volume.path)
    try {
      await volume.resize(2n * MiB)
      expect(await output('blockdev', '--getsize64', device ?? '')).toBe(String(2n * MiB))
    } finally {
      await processes.run(['losetup', '--detach', device ?? ''])
      await fs.rm(folder, { recursive: true })
    }
  })

  it.skipIf(!(await loopsWork()))('are found by the file that they have, not by its path', async () => {
    const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-loop-'))
    const attached: string[] = []
    const attach = async (path: string): Promise<string> => {
      const device = (await output('losetup', '--find', '--show', path)) ?? ''
      attached.push(device)
      return device
    }
    const sizeOf = (device: string) => output('blockdev', '--getsize64', device)
    try {
      const [path, moved] = [join(folder, 'image'), join(folder, 'moved')]
      await fs.writeFile(path, '')
      await fs.truncate(path, 1 << 20)
      const [gone, kept] = [await attach(path), join(folder, 'other')]
      await fs.rename(path, moved)
      await fs.writeFile(path, '')
      await fs.truncate(path, 2 << 20)
      await fs.link(path, kept)
      const present = await attach(kept)
      await fs.truncate(moved, 4 << 20)
      await fs.truncate(path, 3 << 20)
      await refreshLoopDevices(nodeOs(), path)
      expect([await sizeOf(gone), await sizeOf(present)]).toEqual([String(1 << 20), String(3 << 20)])
      await refreshLoopDevices(nodeOs(), moved)
      expect(await sizeOf(gone)).toBe(String(4 << 20))
      await fs.rm(moved)
      await refreshLoopDevices(nodeOs(), path)
    } finally {
      for (const device of attached) await processes.run(['losetup', '--detach', device])
      await fs.rm(folder, { recursive: true })
    }
  })

  it('that cannot be told a new size do not fail the resize, which is done', async () => {
    const place = modelledPlace()
    const at = await ImageFixture.make(place)
    const volume = at.origin()
    await volume.create()
    await volume.start()
    for (const folder of ['/sys', '/sys/block', '/sys/block/loop7', '/sys/block/loop7/loop'])
      await place.os.files.makeFolder(folder, 0o755)
    await place.os.files.create('/sys/block/loop7/loop/backing_file', { data: utf8(volume.path) })
    await volume.resize(2n * MiB)
    expect(await volume.size()).toBe(2n * MiB)
    expect(at.warnings).toEqual([expect.stringContaining('could not be told its new size: Cannot run losetup')])
  })
})
