import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = new URL('..', import.meta.url)

/** The blocks of code of a language, in order. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code)
}

describe('README.md', () => {
  it('has a quick start that does what it says', async () => {
    const text = await readFile(new URL('README.md', folder), 'utf8')
    const [code = ''] = blocks(text, 'ts')
    const [output] = blocks(text, 'text')
    const args = ['--conditions=@cloister/source', '--input-type=module-typescript', '--eval', code]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 30_000 })
    expect(stdout).toBe(output)
  })
})
