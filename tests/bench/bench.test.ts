import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReportedRow } from './report.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function bench(...args: string[]): Promise<{ status: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, ['--conditions=@cloister/source', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status: child.exitCode, output, errors }
}

describe('npm run bench', () => {
  it('measures calls with several clients, beside the limits, in a table and as JSON', async () => {
    const json = join(folder, 'figures.json')
    const { status, output, errors } = await bench(
      ...['--quick', '--only', 'reads,writes', '--domains', '2,10', '--clients', '1,8', '--json', json],
    )
    expect({ status, errors }).toEqual({ status: 0, errors: expect.stringMatching(/^(… .*\n)*$/) })
    expect(output).toMatch(
      /^[✓✗] +reads +admin\.vm\.property\.Get +10 +1 +[\d.]+ ms +[\d.]+ ms +[\d.]+ × +≤ 1\.5 × echo$/m,
    )
    expect(output).toMatch(/^ +writes +admin\.vm\.property\.Set +10 +8 +[\d,.]+\/s +[\d,.]+\/s +[\d.]+ ×$/m)
    expect(output).toMatch(/^[✓✗] +growth +admin\.vm\.feature\.Set +10 +[\d.]+ × +≤ 1\.30 ×$/m)

    const { rows } = JSON.parse(await readFile(json, 'utf8')) as { rows: readonly ReportedRow[] }
    const calls = rows.filter(({ suite }) => suite !== 'growth')
    expect(calls).toHaveLength((6 + 3) * 2 * 2)
    for (const { value, limit, sample } of calls) {
      expect(value).toBeGreaterThan(0)
      expect(limit?.value).toBeGreaterThan(0)
      expect(sample?.calls).toBeGreaterThan(0)
    }
  })

  it('refuses options that it cannot measure', async () => {
    expect(await bench('--only', 'everything')).toMatchObject({
      status: 1,
      errors: expect.stringContaining('there is no suite everything'),
    })
    expect(await bench('--domains', '0')).toMatchObject({ status: 1, errors: expect.stringContaining('from 1 to') })
  })
})
