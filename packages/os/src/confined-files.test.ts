import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { utf8, utf8Text } from '@cloister/kit'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConfinedFolder, type Files, UnsafeFileError } from './files.ts'
import { ModelledOs } from './modelled/modelled-os.ts'
import { nodeOs } from './node/node-os.ts'
import { replaceableBy } from './trusted-path.ts'

const run = promisify(execFile)
const os = nodeOs()
const base = await fs.mkdtemp(join(tmpdir(), 'cloister-confined-'))
afterAll(() => fs.rm(base, { recursive: true, force: true }))
const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped: only root can make files of other users')

let rounds = 0
let root: string
let pool: ConfinedFolder
let files: Files

beforeEach(async () => {
  root = join(base, `round${rounds++}`)
  await fs.mkdir(join(root, 'pool/vm'), { recursive: true, mode: 0o700 })
  await fs.writeFile(join(root, 'victim'), 'secret', { mode: 0o600 })
  pool = await os.files.confine(join(root, 'pool'))
  files = pool.files
})
afterEach(() => pool.close())

const at = (name: string): string => join(root, 'pool', name)

/** Everything that would open a file. */
function opens(name: string): [string, () => Promise<unknown>][] {
  return [
    ['read', () => files.read(at(name), 100)],
    ['open', () => files.open(at(name)).then((file) => file.close())],
    ['truncate', () => files.truncate(at(name), 1n)],
    ['sync', () => files.sync(at(name))],
    ['setMode', () => files.setMode(at(name), 0o644)],
    ['setModified', () => files.setModified(at(name), 1_000_000_000n)],
    ['clone', () => files.clone(at(name), at('vm/new'))],
    ['copySparse', () => files.copySparse(at(name), at('vm/new'))],
  ]
}

async function refuseAll(name: string, pattern: RegExp): Promise<void> {
  const before = await fs.stat(join(root, 'victim'), { bigint: true })
  for (const [what, work] of opens(name)) {
    const error = await work().then(
      () => new Error(`${what} succeeded`),
      (thrown: Error) => thrown,
    )
    expect(error, what).toBeInstanceOf(UnsafeFileError)
    expect(error.message).toMatch(pattern)
    expect(error.message).not.toContain('/proc/')
  }
  expect(await fs.readFile(join(root, 'victim'), 'utf8')).toBe('secret')
  expect(await fs.stat(join(root, 'victim'), { bigint: true })).toMatchObject({
    mode: before.mode,
    mtimeNs: before.mtimeNs,
  })
  expect(await fs.readdir(join(root, 'pool'))).not.toContain('new')
}

describe('files below an open folder', () => {
  it('are worked on like any others, and copied from elsewhere', async () => {
    await files.makeFolder(at('vm/a'), 0o700)
    await files.create(at('vm/a/one'), { data: utf8('one') })
    await files.link(at('vm/a/one'), at('vm/a/two'))
    await files.rename(at('vm/a/two'), at('vm/two'))
    await files.unlink(at('vm/a/one'))
    await files.removeFolder(at('vm/a'))
    await files.truncate(at('vm/two'), 2n)
    await files.setModified(at('vm/two'), 1_700_000_000_000_000_000n)
    await files.setMode(at('vm/two'), 0o640)
    await files.sync(at('vm/two'))
    await files.syncFolder(at('vm'))
    await files.syncFolder(join(root, 'pool'))
    await files.copySparse(join(root, 'victim'), at('vm/copy'))
    expect(await files.list(at('vm'))).toEqual(['copy', 'two'])
    expect(utf8Text(await files.read(at('vm/two'), 10))).toBe('on')
    expect(await files.stat(at('vm/two'))).toMatchObject({
      mode: 0o640,
      uid: process.getuid?.(),
    })
    expect((await files.stat(at('vm/two')))?.mtimeNs).toBeLessThan(1_700_000_000_000_001_000n)
    expect(utf8Text(await files.read(at('vm/copy'), 10))).toBe('secret')
    expect(await files.resolve(at('vm/two'))).toBe(await fs.realpath(at('vm/two')))
    await expect(files.create(at('vm/two'), {})).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.copySparse(at('vm/two'), at('vm/copy'))).rejects.toMatchObject({ code: 'EEXIST' })
    await files.removeTree(at('vm'))
    expect(await files.list(join(root, 'pool'))).toEqual([])
  })

  it('show their own paths in errors of the system', async () => {
    const missing = at('vm/none')
    const works = [
      () => files.read(missing, 1),
      () => files.unlink(missing),
      () => files.list(missing),
      () => files.rename(missing, at('vm/x')),
    ]
    for (const work of works) {
      const error = await work().catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: 'ENOENT', message: expect.stringContaining(missing) })
      expect(String(error)).not.toContain('/proc/')
    }
    expect(await files.stat(at('none/x'))).toBeUndefined()
  })

  it('are nowhere else', async () => {
    for (const path of [join(root, 'victim'), at('../victim'), `${root}/pool2/x`, '/etc/passwd']) {
      await expect(files.unlink(path)).rejects.toThrow('is not below the folder')
      await expect(files.list(join(path, '..'))).rejects.toThrow('is not below the folder')
    }
  })

  it('stay the same ones when the folder gets another name and another folder takes its place', async () => {
    await files.create(at('vm/mine'), { data: utf8('mine') })
    await fs.rename(join(root, 'pool'), join(root, 'moved'))
    await fs.mkdir(at('vm'), { recursive: true })
    await fs.writeFile(at('vm/mine'), 'planted')
    expect(utf8Text(await files.read(at('vm/mine'), 10))).toBe('mine')
  })

  it('are not reached through a symbolic link in place of a file', async () => {
    await fs.symlink(join(root, 'victim'), at('vm/image'))
    await refuseAll('vm/image', /vm\/image is a symbolic link/)
    await expect(files.create(at('vm/image'), {})).rejects.toMatchObject({ code: 'EEXIST' })
    await fs.symlink(join(root, 'none'), at('vm/dangling'))
    await expect(files.create(at('vm/dangling'), {})).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it('are not reached through a symbolic link in place of a folder', async () => {
    await fs.mkdir(join(root, 'elsewhere'))
    await fs.link(join(root, 'victim'), join(root, 'elsewhere/image'))
    await fs.symlink(join(root, 'elsewhere'), at('link'))
    await refuseAll('link/image', /link is a symbolic link/)
    const works = [
      () => files.create(at('link/x'), {}),
      () => files.unlink(at('link/image')),
      () => files.list(at('link')),
      () => files.makeFolder(at('link/f'), 0o700),
    ]
    for (const work of works) await expect(work()).rejects.toThrow('is a symbolic link')
    expect(await fs.readdir(join(root, 'elsewhere'))).toEqual(['image'])
  })

  it('are no named pipes, sockets and folders; opening one does not wait', async () => {
    await run('mkfifo', [at('vm/fifo')])
    await refuseAll('vm/fifo', /named pipe/)
    await fs.mkdir(at('vm/folder'))
    await expect(files.read(at('vm/folder'), 1)).rejects.toThrow('is a folder, not a regular file')
    await fs.symlink('/dev/zero', at('vm/device'))
    await refuseAll('vm/device', /symbolic link/)
  })

  it('are written only when they have one name', async () => {
    await fs.link(join(root, 'victim'), at('vm/image'))
    for (const [what, work] of opens('vm/image').slice(1, 3))
      await expect(work(), what).rejects.toThrow('2 names (hard links)')
    expect(await fs.readFile(join(root, 'victim'), 'utf8')).toBe('secret')
  })

  it.skipIf(!isRoot)(
    'belong to this user or to root, and so do their folders, which no other user can write to',
    async () => {
      await files.create(at('vm/image'), { data: utf8('x') })
      await fs.chown(at('vm/image'), 12345, 0)
      for (const [what, work] of opens('vm/image').slice(0, 3))
        await expect(work(), what).rejects.toThrow('belongs to another user (12345)')
      await fs.chown(at('vm/image'), 0, 0)
      await fs.chmod(at('vm'), 0o770)
      await expect(files.read(at('vm/image'), 9)).rejects.toThrow('Other users can write to the folder')
      await fs.chmod(at('vm'), 0o750)
      await files.read(at('vm/image'), 9)
      await fs.chown(at('vm'), 12345, 0)
      await expect(files.unlink(at('vm/image'))).rejects.toThrow('belongs to another user (12345)')
    },
  )
})

describe('files below an open folder of the model', () => {
  it('are checked like those of the machine', async () => {
    const model = new ModelledOs({ folders: ['/pool/vm', '/other'] })
    const { files: all } = model
    const { files: confined } = await all.confine('/pool')
    await confined.create('/pool/vm/a', { data: utf8('x') })
    await confined.link('/pool/vm/a', '/pool/vm/b')
    await expect(confined.open('/pool/vm/a')).rejects.toThrow('2 names (hard links)')
    await expect(confined.truncate('/pool/vm/b', 1n)).rejects.toThrow(UnsafeFileError)
    await confined.read('/pool/vm/a', 1)
    await expect(confined.unlink('/other/x')).rejects.toThrow('is not below the folder /pool')
    await all.setOwner('/pool/vm/a', 5, 5)
    await expect(confined.read('/pool/vm/a', 1)).rejects.toThrow('belongs to another user (5)')
    await all.setMode('/pool/vm', 0o777)
    await expect(confined.list('/pool/vm')).rejects.toThrow('Other users can write')
  })
})

describe('the way to a folder', () => {
  const model = (): ModelledOs => new ModelledOs({ folders: ['/srv/data/pool'] })
  const weakness = (os: ModelledOs, path = '/srv/data/pool') => replaceableBy(os.files, { uid: 1000 }, path)

  it('is safe when root and this user own all of it', async () => {
    const os = model()
    expect(await weakness(os)).toBeUndefined()
    await os.files.setOwner('/srv/data/pool', 1000, 1000)
    expect(await weakness(os)).toBeUndefined()
    expect(await weakness(os, '/srv/data/pool/new')).toBeUndefined()
  })

  it('is not safe when another user can change a part of it', async () => {
    for (const path of ['/srv', '/srv/data', '/srv/data/pool']) {
      const [owned, writable, sticky] = [model(), model(), model()]
      await owned.files.setOwner(path, 7, 7)
      expect(await weakness(owned)).toBe(`a folder on the way, ${path}, belongs to user 7`)
      await writable.files.setMode(path, 0o775)
      expect(await weakness(writable)).toBe(`other users can write to ${path}`)
      await sticky.files.setMode(path, 0o1777)
      expect(await weakness(sticky)).toBe(path === '/srv/data/pool' ? `other users can write to ${path}` : undefined)
    }
  })

  it.skipIf(!isRoot)('is looked at before and after its symbolic links', async () => {
    const folder = join(base, 'way')
    await fs.mkdir(join(folder, 'open/pool'), { recursive: true })
    await fs.symlink(join(folder, 'open'), join(folder, 'link'))
    const ask = () => replaceableBy(os.files, { uid: 0 }, join(folder, 'link/pool'))
    expect(await ask()).toBeUndefined()
    await fs.chmod(join(folder, 'open'), 0o777)
    expect(await ask()).toBe(`other users can write to ${join(folder, 'open')}`)
    await fs.chmod(join(folder, 'open'), 0o755)
    await fs.lchown(join(folder, 'link'), 7, 7)
    expect(await ask()).toBe(`a symbolic link on the way, ${join(folder, 'link')}, belongs to user 7`)
  })
})
