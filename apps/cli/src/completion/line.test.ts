import { describe, expect, it } from 'vitest'
import { type Candidate, questionOf } from './line.ts'

async function values(...words: string[]): Promise<readonly string[]> {
  const question = await questionOf(words)
  if (!('candidates' in question)) throw new Error(`${question.kind} has to be looked up`)
  return question.candidates.map(({ value }: Candidate) => value)
}

async function kind(...words: string[]): Promise<unknown> {
  const question = await questionOf(words)
  return 'kind' in question ? question.kind : undefined
}

describe('what the last word of a line may become', () => {
  it('is a command first, or an option of all commands', async () => {
    expect(await values('')).toEqual(expect.arrayContaining(['ls', 'create', 'volume', 'help']))
    expect(await values('')).not.toContain('complete')
    expect(await values('-')).toEqual(['--socket', '--json', '--color', '--quiet', '--help'])
    expect(await values('--socket', '/x', '--color', '')).toEqual(['auto', 'always', 'never'])
    expect(await values('help', '')).toContain('ls')
  })

  it('is a verb after a noun', async () => {
    expect(await values('pool', '')).toEqual(['ls', 'info', 'drivers', 'add', 'remove'])
    expect(await values('compat', '')).not.toContain('serve')
    expect(await values('pool', 'nothing', '')).toEqual([])
  })

  it('is an option of the command, except after --', async () => {
    expect(await values('shutdown', '--')).toEqual(expect.arrayContaining(['--wait', '--kill', '--json']))
    expect(await kind('shutdown', '--', '--')).toBe('domain')
  })

  it('is a value where an option waits for one', async () => {
    expect(await values('ls', '--format', '')).toEqual(['table', 'json', 'csv'])
    expect(await kind('create', 'x', '-t', '')).toBe('template')
    expect(await kind('create', 'x', '--label', 'b')).toBe('label')
    expect(await kind('--socket', '')).toBe('file')
  })

  it('follows the arguments that are there', async () => {
    expect(await kind('start', 'work', 'web', '')).toBe('domain')
    expect(await kind('volume', 'revert', 'work', 'private', '')).toBe('revision')
    expect(await values('tags', 'work', '')).toEqual(['add', 'remove'])
    expect(await values('prefs', 'work', 'memory', '512', '')).toEqual([])
    expect(await kind('-q', '--json', 'prefs', '--global', '')).toBe('domain')
    const question = await questionOf(['volume', 'info', '--json', 'work', ''])
    expect(question).toMatchObject({ kind: 'volume', given: new Map([['domain', 'work']]) })
  })

  it('is nothing after what is no command', async () => {
    expect(await values('nothing', '')).toEqual([])
  })
})
