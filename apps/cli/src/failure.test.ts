import { DaemonUnreachableError } from '@cloister/client'
import { QubesException, QubesVMInUseError, QubesVMNotFoundError, QubesVMShutdownTimeoutError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { CliError } from './cli-error.ts'
import { exitStatus } from './exit-status.ts'
import { failureJson, failureLine, failureOf } from './failure.ts'

describe('failures', () => {
  it.each([
    [new QubesVMNotFoundError('No such domain: x'), exitStatus.notFound],
    [new QubesVMInUseError('in use'), exitStatus.state],
    [new QubesVMShutdownTimeoutError('late'), exitStatus.timeout],
    [new DaemonUnreachableError('nobody'), exitStatus.unreachable],
    [
      new DaemonUnreachableError('not you', { cause: Object.assign(new Error(), { code: 'EACCES' }) }),
      exitStatus.denied,
    ],
    [new QubesException('anything'), exitStatus.failure],
    [new TypeError('a bug'), exitStatus.failure],
    [new CliError('said', exitStatus.denied), exitStatus.denied],
    ['thrown text', exitStatus.failure],
  ])('%s has status %d', (error, status) => {
    expect(failureOf(error).status).toBe(status)
  })

  it('are one line that says what to do', () => {
    const failure = failureOf(new QubesVMNotFoundError('No such domain:\n  x.'))
    expect(failureLine(failure)).toBe('cloister: No such domain: x; `cloister ls` shows the domains')
  })

  it('cannot drive the terminal', () => {
    expect(failureLine(failureOf(new QubesException('a\x1b]0;b\x07')))).toBe('cloister: a\\x1b]0;b\\x07')
  })

  it('say the same to programs', () => {
    expect(failureJson(failureOf(new CliError('no', exitStatus.state, 'wait')), 'work')).toEqual({
      error: { type: 'CliError', message: 'no', hint: 'wait', status: 5, domain: 'work' },
    })
  })
})
