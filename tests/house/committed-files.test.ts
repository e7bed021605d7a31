import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { root } from './source-files.ts'

const { processes } = nodeOs()

async function committed(): Promise<string[]> {
  const { stdout } = await processes.run(['git', '-C', root, 'ls-files', '-z'])
  return new TextDecoder()
    .decode(stdout)
    .split('\0')
    .filter((path) => path !== '')
}

describe('the committed files', () => {
  it('hold no path of this checkout', async () => {
    const wrong: string[] = []
    for (const path of await committed()) {
      const text = await readFile(join(root, path), 'utf8').catch(() => '')
      if (text.includes(root.replace(/\/$/, ''))) wrong.push(path)
    }
    expect(wrong).toEqual([])
  })

  it('lock dependencies by the digest of their content, and not by an address', async () => {
    const lock = await readFile(join(root, 'package-lock.json'), 'utf8')
    expect(lock).not.toMatch(/"resolved": "https?:/)
    const { packages } = JSON.parse(lock) as { packages: Record<string, { integrity?: string; link?: boolean }> }
    const loose = Object.entries(packages).filter(
      ([path, { integrity, link }]) => path.startsWith('node_modules/') && !link && !integrity,
    )
    expect(loose.map(([path]) => path)).toEqual([])
  })
})
