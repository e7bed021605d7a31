import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { commandList } from '../command-list.ts'
import { manualPages } from './pages.ts'
import { roffText } from './roff.ts'

const folder = fileURLToPath(new URL('../../man', import.meta.url))
const groff = await nodeOs().processes.find('groff')
if (groff === undefined) console.info('groff is not installed: what it thinks of the manual pages is not asked')

describe('manual pages', () => {
  it('are up to date: node --conditions=@cloister/source apps/cli/src/man/generate.ts writes them', async () => {
    const pages = await manualPages()
    expect(pages.map(({ file }) => file).toSorted()).toEqual((await readdir(folder)).toSorted())
    for (const { file, content } of pages) expect(await readFile(join(folder, file), 'utf8'), file).toBe(content)
  })

  it('are there for every command that people use', async () => {
    const files = (await manualPages()).map(({ file }) => file)
    const names = commandList.map(({ name }) => `cloister-${name}.1`)
    expect(files).toEqual(['cloister.1', ...names])
  })

  it.skipIf(groff === undefined)('are what groff takes without a warning', async () => {
    for (const file of await readdir(folder)) {
      const { stderr } = await promisify(execFile)(groff ?? '', ['-man', '-Tutf8', '-ww', '-z', join(folder, file)])
      expect(stderr, file).toBe('')
    }
  })
})

describe('roff', () => {
  it('has no requests, escapes or dashes of its own from text', () => {
    expect(roffText(".SH a\n'b \\n --c `d`")).toBe("\\&.SH a\n\\&'b \\en \\-\\-c \\fBd\\fR")
    expect(roffText('✓')).toBe('\\[u2713]')
  })
})
