import { lstat, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ArchiveEntry, cpioArchive } from './cpio-archive.ts'

const { processes } = nodeOs()

/** Unpacks an archive with busybox and looks at what came out. */
async function unpacked(entries: readonly ArchiveEntry[], look: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cpio-'))
  try {
    await writeFile(join(folder, 'archive'), cpioArchive(entries))
    await processes.run([
      'busybox',
      'sh',
      '-c',
      'cd "$0" && mkdir out && cd out && busybox cpio -i -d <../archive',
      folder,
    ])
    await look(join(folder, 'out'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('cpioArchive', () => {
  it('keeps folders, links, modes and the names in them', async () => {
    const entries: ArchiveEntry[] = [
      { kind: 'folder', path: 'bin', mode: 0o750 },
      { kind: 'file', path: 'bin/tool', mode: 0o711, data: Buffer.from('#!') },
      { kind: 'link', path: 'bin/other', mode: 0o777, target: 'tool' },
    ]
    await unpacked(entries, async (folder) => {
      expect((await lstat(join(folder, 'bin'))).mode & 0o777).toBe(0o750)
      expect((await lstat(join(folder, 'bin/tool'))).mode & 0o777).toBe(0o711)
      expect(await readlink(join(folder, 'bin/other'))).toBe('tool')
      expect(await readFile(join(folder, 'bin/other'), 'utf8')).toBe('#!')
    })
  })

  it('keeps content of any length under names of any length', async () => {
    const files = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,40}$/), fc.uint8Array({ maxLength: 5000 })), {
      selector: ([name]) => name,
    })
    await fc.assert(
      fc.asyncProperty(files, async (contents) => {
        const entries = contents.map(([path, data]): ArchiveEntry => ({ kind: 'file', path, mode: 0o600, data }))
        await unpacked(entries, async (folder) => {
          for (const [name, data] of contents) expect(new Uint8Array(await readFile(join(folder, name)))).toEqual(data)
        })
      }),
      { numRuns: 20 },
    )
  })

  it('makes devices, which only root may unpack', () => {
    const entry: ArchiveEntry = { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 }
    const header = Buffer.from(cpioArchive([entry])).toString('latin1', 0, 110)
    expect(header.slice(14, 22)).toBe('00002180')
    expect([header.slice(78, 86), header.slice(86, 94)]).toEqual(['00000005', '00000001'])
  })
})
