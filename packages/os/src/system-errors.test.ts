import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemError } from './modelled/faults.ts'
import { nodeOs } from './node/node-os.ts'
import { failureText, systemErrorWords } from './system-errors.ts'

describe('words for errors of the system', () => {
  it.each([
    ['ENOSPC', 'no space is left on the file system (/pool/a). Free some space'],
    ['EDQUOT', 'the disk quota is used up (/pool/a). Free some space or raise the quota'],
    ['EROFS', 'the file system is read-only (/pool/a). Mount it writable'],
    ['EIO', 'the disk has reported an input/output error (/pool/a). Check the disk'],
    ['EMFILE', 'the daemon has too many files open (/pool/a). Raise the limit of open files (LimitNOFILE)'],
    ['EACCES', 'permission is denied (/pool/a). Change owner or mode'],
    ['ENOENT', 'there is no such file or folder (/pool/a)'],
  ])('%s', (code, text) => {
    expect(failureText(systemError(code, 'write', '/pool/a'))).toBe(text)
  })

  it('are there for what the machine throws', async () => {
    const { files } = nodeOs()
    const path = join(tmpdir(), 'no-such-folder/x')
    for (const work of [files.read(path, 1), files.create(path, {}), files.list(path)]) {
      const error: unknown = await work.catch((thrown: unknown) => thrown)
      expect(failureText(error)).toBe(`there is no such file or folder (${path})`)
    }
  })

  it('are there when a program that copies meets a full disk', async () => {
    const { files } = nodeOs()
    const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-full-'))
    try {
      await fs.writeFile(join(folder, 'from'), 'x'.repeat(100))
      await fs.mkdir(join(folder, 'to'))
      const full = new Uint8Array(1 << 20).fill(1)
      await fs.writeFile(join(folder, 'from'), full)
      const { execFileSync } = await import('node:child_process')
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(folder, 'to')], { stdio: 'ignore' })
      } catch {
        return console.warn('skipped: this user may not mount')
      }
      try {
        const error: unknown = await files
          .copySparse(join(folder, 'from'), join(folder, 'to/x'))
          .catch((e: unknown) => e)
        expect(error).toMatchObject({ code: 'ENOSPC' })
        expect(failureText(error)).toBe(
          `no space is left on the file system (${join(folder, 'to/x')}). Free some space`,
        )
      } finally {
        execFileSync('umount', [join(folder, 'to')])
      }
    } finally {
      await fs.rm(folder, { recursive: true })
    }
  })

  it('are missing for anything else', () => {
    expect(systemErrorWords(new Error('x'))).toBeUndefined()
    expect(systemErrorWords(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined()
    expect(failureText(new Error('text'))).toBe('text')
    expect(failureText('thrown')).toBe('thrown')
  })
})
