import { describe, expect, it } from 'vitest'
import { failureOf, RollbackFailedError } from './failure.ts'

function sqliteError(errcode: number): Error {
  return Object.assign(new Error('as SQLite says'), { code: 'ERR_SQLITE_ERROR', errcode })
}

describe('failureOf', () => {
  it.each([
    [5, 'locked', false],
    [13, 'full', false],
    [11 | (1 << 8), 'corrupt', false],
    [26, 'corrupt', false],
    [778, 'io', false],
    [19 | (12 << 8), 'invalid', false],
    [8, 'io', false],
    [1034, 'io', true],
    [1290, 'io', true],
  ] as const)('knows result code %i as %s, lasting: %s', (code, reason, lasting) => {
    expect(failureOf(sqliteError(code))).toEqual({ reason, detail: 'as SQLite says', lasting })
  })

  it('keeps the reason of the commit when the roll-back failed, but for good', () => {
    const error = new RollbackFailedError('the roll-back failed', { cause: sqliteError(13) })
    expect(failureOf(error)).toEqual({ reason: 'full', detail: 'the roll-back failed', lasting: true })
  })

  it('takes anything else for a change that no table holds', () => {
    expect(failureOf(new TypeError('no'))).toEqual({ reason: 'invalid', detail: 'no', lasting: false })
  })
})
