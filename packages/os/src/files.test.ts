import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8, utf8Text } from '@cloister/kit'
import { afterAll, describe, expect, it } from 'vitest'
import { cloneOrCopy } from './durable.ts'
import { CannotCloneError, type Files } from './files.ts'
import { ModelledClock } from './modelled/modelled-clock.ts'
import { ModelledFiles } from './modelled/modelled-files.ts'
import { NodeFiles } from './node/node-files.ts'
import { NodeProcesses } from './node/node-processes.ts'

// What the machine's and the modelled file system have in common, so that the model is one of the machine.

const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-files-'))
afterAll(() => fs.rm(folder, { recursive: true }))

const clock = new ModelledClock()
const places: { title: string; files: Files; base: string }[] = [
  { title: 'the machine', files: new NodeFiles(new NodeProcesses()), base: folder },
  { title: 'the model', files: new ModelledFiles({ clock, folders: ['/base'] }), base: '/base' },
  {
    title: 'the model without reflink',
    files: new ModelledFiles({ clock, folders: ['/base'], reflink: false }),
    base: '/base',
  },
]

let folders = 0

describe.each(places)('files of $title', ({ files, base }) => {
  async function fresh(): Promise<string> {
    const path = `${base}/${folders++}`
    expect(await files.makeFolder(path, 0o700)).toEqual({ made: true })
    return path
  }

  const text = async (path: string): Promise<string | undefined> => utf8Text(await files.read(path, 1 << 20))
  const put = (path: string, content: string): Promise<void> => files.create(path, { data: utf8(content) })

  it('are created once, with content or as a hole', async () => {
    const at = await fresh()
    await files.create(`${at}/a`, { data: utf8('hello'), mode: 0o640 })
    expect(await text(`${at}/a`)).toBe('hello')
    expect(await files.stat(`${at}/a`)).toMatchObject({ kind: 'file', size: 5n, mode: 0o640, links: 1n })
    await expect(put(`${at}/a`, 'x')).rejects.toMatchObject({ code: 'EEXIST' })
    await files.create(`${at}/b`, { size: 1n << 30n })
    expect(await files.stat(`${at}/b`)).toMatchObject({ size: 1n << 30n, mode: 0o600, allocated: 0n })
    await expect(put(`${at}/none/a`, 'x')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.read(`${at}/a`, 4)).rejects.toThrow(RangeError)
    expect((await files.read(`${at}/a`, 5)).length).toBe(5)
  })

  it('are looked at and listed', async () => {
    const at = await fresh()
    for (const name of ['b', 'a', 'c']) await put(`${at}/${name}`, name)
    expect(await files.list(at)).toEqual(['a', 'b', 'c'])
    expect(await files.stat(at)).toMatchObject({ kind: 'folder', mode: 0o700 })
    expect(await files.stat(`${at}/none`)).toBeUndefined()
    expect(await files.stat(`${at}/a/b`)).toBeUndefined()
    await expect(files.list(`${at}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.list(`${at}/a`)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(files.resolve(`${at}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await files.resolve(`${at}/./a`)).toBe(`${await files.resolve(at)}/a`)
    const { total, free } = await files.space(at)
    expect(free > 0n && free < total).toBe(true)
  })

  it('are written at positions', async () => {
    const at = await fresh()
    await files.create(`${at}/a`, { size: 10_000n })
    const writer = await files.open(`${at}/a`)
    await writer.write(utf8('end'), 9_999n)
    await writer.write(utf8('middle'), 4_093n)
    await writer.truncate(10_001n)
    await writer.sync()
    await writer.close()
    const content = await files.read(`${at}/a`, 20_000)
    expect(content).toHaveLength(10_001)
    expect(utf8Text(content.subarray(4_090, 4_102))).toBe('\0\0\0middle\0\0\0')
    expect(utf8Text(content.subarray(9_998))).toBe('\0en')
    await expect(files.open(`${at}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('are truncated; what is cut off does not come back', async () => {
    const at = await fresh()
    await put(`${at}/a`, 'hello')
    await files.truncate(`${at}/a`, 2n)
    await files.truncate(`${at}/a`, 5n)
    expect(await text(`${at}/a`)).toBe('he\0\0\0')
    await expect(files.truncate(`${at}/none`, 1n)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('are copied, by sharing blocks or without holes, and are then their own', async () => {
    const at = await fresh()
    await files.create(`${at}/a`, { size: 8n << 20n })
    const writer = await files.open(`${at}/a`)
    await writer.write(utf8('x'), 5n << 20n)
    await writer.close()
    await cloneOrCopy(files, `${at}/a`, `${at}/b`)
    await files.copySparse(`${at}/a`, `${at}/c`)
    await files.truncate(`${at}/a`, 0n)
    for (const copy of ['b', 'c']) {
      const stat = await files.stat(`${at}/${copy}`)
      expect(stat?.size).toBe(8n << 20n)
      expect(stat?.allocated).toBeLessThan(1n << 20n)
      expect((await files.read(`${at}/${copy}`, 8 << 20))[5 << 20]).toBe(120)
    }
  })

  it('34: are never destroyed by a clone that fails', async () => {
    const at = await fresh()
    await put(`${at}/a`, 'from')
    await put(`${at}/b`, 'to')
    await expect(files.clone(`${at}/a`, `${at}/b`)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await text(`${at}/b`)).toBe('to')
    await expect(files.clone(`${at}/none`, `${at}/c`)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await files.stat(`${at}/c`)).toBeUndefined()
    await files.clone(`${at}/a`, `${at}/c`).catch((error) => expect(error).toBeInstanceOf(CannotCloneError))
  })

  it('have modes and times, to the microsecond', async () => {
    const at = await fresh()
    await put(`${at}/a`, 'x')
    await files.setMode(`${at}/a`, 0o400)
    for (let micros = 1_700_000_000_000_000n; micros < 1_700_000_001_000_000n; micros += 9_973n) {
      await files.setModified(`${at}/a`, micros * 1000n)
      expect(((await files.stat(`${at}/a`))?.mtimeNs ?? 0n) / 1000n).toBe(micros)
    }
    expect((await files.stat(`${at}/a`))?.mode).toBe(0o400)
    await files.setOwner(`${at}/a`, process.getuid?.() ?? 0, process.getgid?.() ?? 0)
    await files.sync(`${at}/a`)
    await files.syncFolder(at)
    await expect(files.syncFolder(`${at}/a`)).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it('are renamed over others', async () => {
    const at = await fresh()
    await put(`${at}/a`, 'a')
    await put(`${at}/b`, 'b')
    await files.rename(`${at}/a`, `${at}/b`)
    expect(await files.list(at)).toEqual(['b'])
    expect(await text(`${at}/b`)).toBe('a')
    await expect(files.rename(`${at}/a`, `${at}/c`)).rejects.toMatchObject({ code: 'ENOENT' })
    await files.makeFolder(`${at}/folder`, 0o700)
    await expect(files.rename(`${at}/b`, `${at}/folder`)).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it('have several names', async () => {
    const at = await fresh()
    await put(`${at}/a`, 'a')
    await files.link(`${at}/a`, `${at}/b`)
    const [a, b] = [await files.stat(`${at}/a`), await files.stat(`${at}/b`)]
    expect(a?.links).toBe(2n)
    expect([a?.device, a?.inode]).toEqual([b?.device, b?.inode])
    await expect(files.link(`${at}/a`, `${at}/b`)).rejects.toMatchObject({ code: 'EEXIST' })
    // Between two names of one file a rename does nothing.
    await files.rename(`${at}/a`, `${at}/b`)
    expect(await files.list(at)).toEqual(['a', 'b'])
    await files.unlink(`${at}/a`)
    expect((await files.stat(`${at}/b`))?.links).toBe(1n)
    await expect(files.unlink(`${at}/a`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('are in folders', async () => {
    const at = await fresh()
    expect(await files.makeFolder(at, 0o700)).toEqual({ made: false })
    await put(`${at}/file`, 'x')
    await expect(files.makeFolder(`${at}/file`, 0o700)).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.makeFolder(`${at}/a/b`, 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
    await files.makeFolder(`${at}/a`, 0o700)
    await put(`${at}/a/b`, 'x')
    await expect(files.removeFolder(`${at}/a`)).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await files.unlink(`${at}/a/b`)
    await files.removeFolder(`${at}/a`)
    await expect(files.removeFolder(`${at}/a`)).rejects.toMatchObject({ code: 'ENOENT' })
    await files.removeTree(at)
    await files.removeTree(at)
    expect(await files.stat(at)).toBeUndefined()
  })
})

describe('files of the machine', () => {
  const files = new NodeFiles(new NodeProcesses())

  it('are not followed through a last symbolic link', async () => {
    await fs.symlink('/etc', `${folder}/link`)
    expect(await files.stat(`${folder}/link`)).toMatchObject({ kind: 'link' })
    expect(await files.stat('/dev/null')).toMatchObject({ kind: 'device' })
  })

  it('33: cannot be cloned across file systems', async () => {
    const other = (await fs.statfs('/dev/shm')).type !== (await fs.statfs(folder)).type
    if (!other) return
    await files.create(`${folder}/across`, { data: utf8('x') })
    await expect(files.clone(`${folder}/across`, `/dev/shm/cloister-${process.pid}`)).rejects.toThrow(CannotCloneError)
  })

  it('a copy that is called off stops', async () => {
    await files.create(`${folder}/big`, { size: 1n << 34n })
    await expect(files.copySparse(`${folder}/big`, `${folder}/copy`, AbortSignal.abort())).rejects.toThrow(
      'was cancelled',
    )
  })
})
