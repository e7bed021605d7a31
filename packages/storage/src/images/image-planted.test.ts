import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nodeOs } from '@cloister/os'
import { afterAll, describe, expect, it } from 'vitest'
import { createPool } from '../pool-drivers.ts'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { realPlace } from '../testing/place.ts'

const run = promisify(execFile)
const base = await fs.mkdtemp(join(tmpdir(), 'cloister-planted-'))
afterAll(() => fs.rm(base, { recursive: true }))
const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped: only root can make files of other users')
const victim = join(base, 'victim')
await fs.writeFile(victim, 'secret')

/** A pool with a volume that was run once, and a child of it. */
async function makePool() {
  const at = await ImageFixture.make(realPlace(base, false), 'file-reflink', { cloister_shared_folder: 'True' })
  const volume = at.origin()
  await volume.create()
  await at.cycle(volume, 'mine')
  return { at, volume, image: at.path(volume, '.img'), child: at.snapshot(volume) }
}

/** Everything that reads or writes the image of a volume. */
const uses = [
  ['start', ({ volume }: Made) => volume.start()],
  ['the start of a child', ({ child }: Made) => child.start()],
  ['resize', ({ volume }: Made) => volume.resize(2n * MiB)],
  ['snapshot', ({ volume }: Made) => volume.snapshot?.()],
  ['copy', ({ at, volume }: Made) => at.origin('appvms/copy').importVolume(volume)],
] as const
type Made = Awaited<ReturnType<typeof makePool>>

async function untouched(before: Awaited<ReturnType<typeof statVictim>>): Promise<void> {
  expect(await fs.readFile(victim, 'utf8')).toBe('secret')
  const { mode, size, mtimeNs, uid } = await statVictim()
  expect({ mode, size, mtimeNs, uid }).toEqual({ ...before })
}

async function statVictim() {
  const { mode, size, mtimeNs, uid } = await fs.stat(victim, { bigint: true })
  return { mode, size, mtimeNs, uid }
}

describe('what others have planted in a pool', () => {
  it.each([
    ['a symbolic link', (path: string) => fs.symlink(victim, path), 'is a symbolic link'],
    ['a named pipe', (path: string) => run('mkfifo', [path]), 'is a named pipe (FIFO)'],
    ['a folder', (path: string) => fs.mkdir(path), 'is a folder'],
  ])('%s in place of an image is never opened, and nothing waits', async (_what, plant, why) => {
    for (const [name, use] of uses) {
      const made = await makePool()
      const before = await statVictim()
      await fs.rm(made.image)
      await fs.rm(made.at.path(made.volume, '-precache.img'), { force: true })
      await plant(made.image)
      await expect(Promise.resolve(use(made)), name).rejects.toThrow(why)
      await untouched(before)
    }
  })

  it('a symbolic link in place of a prepared copy or a running one is never followed', async () => {
    const { at, volume } = await makePool()
    const before = await statVictim()
    await fs.rm(at.path(volume, '-precache.img'), { force: true })
    await fs.symlink(victim, at.path(volume, '-dirty.img'))
    await expect(volume.resize(2n * MiB)).rejects.toThrow('is a symbolic link')
    await expect(volume.stop()).rejects.toThrow('is a symbolic link')
    await untouched(before)
  })

  it('a second name of another file in place of a running copy is never written', async () => {
    const { at, volume } = await makePool()
    const before = await statVictim()
    await fs.link(victim, at.path(volume, '-dirty.img'))
    await expect(volume.resize(2n * MiB)).rejects.toThrow('2 names (hard links) lead to this file')
    await untouched(before)
    await fs.rm(at.path(volume, '-dirty.img'))
  })

  it('a link in place of a folder of a domain, or of all domains, is never entered', async () => {
    for (const part of ['appvms/work', 'appvms']) {
      const made = await makePool()
      const folder = join(made.at.dirPath, part)
      await fs.rename(folder, `${folder}.moved`)
      await fs.symlink(`${folder}.moved`, folder)
      for (const [name, use] of uses) {
        if (part === 'appvms/work' || name !== 'copy')
          await expect(Promise.resolve(use(made)), name).rejects.toThrow(`${folder} is a symbolic link`)
      }
      await expect(made.volume.remove()).rejects.toThrow('is a symbolic link')
      await expect(made.volume.create()).rejects.toThrow('is a symbolic link')
      expect(await fs.readdir(`${folder}.moved`)).not.toEqual([])
    }
  })

  it.skipIf(!isRoot)('an image or a folder of another user is never used', async () => {
    const made = await makePool()
    await fs.chown(made.image, 4711, 0)
    await expect(made.child.start()).rejects.toThrow('belongs to another user (4711)')
    await fs.chown(made.image, 0, 0)
    await fs.chown(join(made.at.dirPath, 'appvms/work'), 4711, 0)
    await expect(made.volume.start()).rejects.toThrow('belongs to another user (4711)')
  })

  it('a domain whose volume was refused starts again once the plant is gone', async () => {
    const { at, volume, image } = await makePool()
    await fs.rename(image, `${image}.aside`)
    await fs.rm(at.path(volume, '-precache.img'), { force: true })
    await fs.symlink(victim, image)
    await expect(volume.start()).rejects.toThrow('Cannot start volume appvms/work/private')
    await fs.rename(`${image}.aside`, image)
    await volume.start()
    expect(await at.content(volume, '-dirty.img')).toBe('mine')
  })
})

describe('a pool in a folder that others can write to', () => {
  const os = nodeOs()
  const open = async (folder: string, options = {}) => {
    const pool = createPool('file', 'p', { dir_path: join(folder, 'pool'), ...options }, os)
    await pool.setup()
    await pool.close()
    return pool
  }

  it('is refused with the reason and the option that allows it', async () => {
    const folder = await fs.mkdtemp(join(base, 'shared-'))
    await fs.chmod(folder, 0o777)
    await expect(open(folder)).rejects.toThrow(
      `Cannot use folder ${folder}/pool for pool p: other users can write to ${folder}. That user could replace the images of domains. Change owner or mode, or accept it with the option cloister_shared_folder=True`,
    )
    expect(await fs.readdir(folder)).toEqual([])
    const pool = await open(folder, { cloister_shared_folder: 'True' })
    expect(pool.config()).toMatchObject({ cloister_shared_folder: 'True' })
  })

  it('is refused when it becomes one, also at the next start of the daemon', async () => {
    const folder = await fs.mkdtemp(join(base, 'shared-'))
    const pool = await open(folder)
    expect(pool.config()).not.toHaveProperty('cloister_shared_folder')
    await fs.chmod(join(folder, 'pool'), 0o770)
    await expect(pool.open()).rejects.toThrow(`other users can write to ${folder}/pool`)
    await fs.chmod(join(folder, 'pool'), 0o750)
    await pool.open()
    await pool.close()
  })

  it.skipIf(!isRoot)('is refused when a folder on the way belongs to another user', async () => {
    const folder = await fs.mkdtemp(join(base, 'shared-'))
    await fs.chown(folder, 4711, 4711)
    await expect(open(folder)).rejects.toThrow(`a folder on the way, ${folder}, belongs to user 4711`)
  })

  it('does not take what stood in it before for its own', async () => {
    const folder = await fs.mkdtemp(join(base, 'shared-'))
    await fs.mkdir(join(folder, 'pool'))
    await fs.symlink('/etc', join(folder, 'pool/appvms'))
    await expect(open(folder)).rejects.toThrow('appvms is a symbolic link')
    expect(await fs.readdir(join(folder, 'pool'))).toEqual(expect.arrayContaining(['appvms']))
  })
})
