import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commonStatus, exitMeanings, exitStatus } from './exit-status.ts'

describe('exit statuses', () => {
  it('all have a meaning, and no two are the same', () => {
    expect([...exitMeanings.keys()]).toEqual(Object.values(exitStatus))
    expect(new Set(Object.values(exitStatus)).size).toBe(Object.keys(exitStatus).length)
  })

  it('are in the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const rows = [...readme.matchAll(/^\| +(\d+) \| (.*?) +\|$/gm)].map(([, status, meaning]) => [
      Number(status),
      meaning,
    ])
    expect(rows).toEqual([...exitMeanings])
  })

  it('of several failures are theirs when they agree', () => {
    expect(commonStatus([])).toBe(exitStatus.ok)
    expect(commonStatus([3, 3])).toBe(exitStatus.notFound)
    expect(commonStatus([3, 5])).toBe(exitStatus.failure)
  })
})
