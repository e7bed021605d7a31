import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lifecycleDetails } from '../../../lifecycle-details.ts'
import { stateReasons } from '../../../state-reasons.ts'
import { runStates } from '../qmp/qmp-commands.ts'
import {
  endNotice,
  foundNotice,
  foundState,
  type LifecycleNotice,
  nextState,
  type RunState,
  shutoffState,
  startedPausedState,
  startingState,
} from './run-state.ts'

/** The state after some events, and everything there was to tell. */
function after(
  state: RunState,
  ...events: (string | readonly [string, Record<string, unknown>])[]
): {
  state: RunState
  notices: LifecycleNotice[]
} {
  const notices: LifecycleNotice[] = []
  for (const event of events) {
    const [name, data] = typeof event === 'string' ? [event, {}] : event
    const next = nextState(state, { name, data })
    state = next.state
    notices.push(...next.notices)
  }
  return { state, notices }
}

const running = after(startingState, 'RESUME').state

describe('nextState', () => {
  it('knows the first instruction from the end of a pause', () => {
    expect(after(startingState, 'RESUME').state).toMatchObject({ reason: stateReasons.running.booted })
    expect(after(startedPausedState, 'RESUME').state).toMatchObject({ reason: stateReasons.running.unpaused })
    expect(after(running, 'STOP', 'RESUME').state).toMatchObject({ reason: stateReasons.running.unpaused })
  })

  it('tells a full disk from a pause that was asked for', () => {
    const { state, notices } = after(running, ['BLOCK_IO_ERROR', { action: 'stop' }], 'STOP')
    expect(state).toMatchObject({ state: 'paused', reason: stateReasons.paused.ioerror })
    expect(notices).toEqual([
      ['suspended', lifecycleDetails.suspended.ioerror, 'a disk cannot be read or written on the host'],
    ])
    const resumed = after(state, 'RESUME').state
    expect(resumed).not.toHaveProperty('why')
    expect(after(resumed, 'STOP').state).toMatchObject({ reason: stateReasons.paused.user })
    expect(after(running, ['BLOCK_IO_ERROR', { action: 'report' }], 'STOP').state).toMatchObject({
      reason: stateReasons.paused.user,
    })
  })

  it.each([
    [{ action: 'stop', nospace: true, 'node-name': 'vdb' }, "no space is left on the host for disk 'vdb'"],
    [{ action: 'stop', nospace: false, 'node-name': 'vdb' }, "disk 'vdb' cannot be read or written on the host"],
    [{ action: 'stop', nospace: true, 'node-name': '\u001b[2J' }, 'no space is left on the host for a disk'],
    [{ action: 'stop', nospace: 'yes', 'node-name': 7 }, 'a disk cannot be read or written on the host'],
  ])('says which disk has stopped the guest, and why: %j', (data, why) => {
    expect(after(running, ['BLOCK_IO_ERROR', data], 'STOP').state).toMatchObject({ why })
  })

  it.each([
    ['guest-shutdown', true, 'shutdown', 'guest', 'shutdown'],
    ['guest-reset', true, 'shutdown', 'guest', 'shutdown'],
    ['host-error', false, 'shutdown', 'host', 'failed'],
  ] as const)('takes the cause of the end from QEMU: %s', (reason, guest, state, detail, end) => {
    const next = after(running, ['SHUTDOWN', { guest, reason }], 'STOP', 'RESUME')
    expect(next.state).toMatchObject({ state, end })
    expect(next.notices).toEqual([['shutdown', lifecycleDetails.shutdown[detail]]])
    expect(endNotice(next.state)).toEqual(['stopped', lifecycleDetails.stopped[end]])
    expect(shutoffState(next.state)).toEqual({ state: 'shutoff', reason: stateReasons.shutoff[end] })
  })

  it('says nothing of a shutdown that is our own doing', () => {
    const destroyed: RunState = { ...running, end: 'destroyed' }
    expect(after(destroyed, ['SHUTDOWN', { guest: false, reason: 'host-qmp-quit' }]).notices).toEqual([])
    expect(after(running, ['SHUTDOWN', { guest: false, reason: 'host-signal' }]).notices).toEqual([])
  })

  it('keeps a crash until the end', () => {
    const { state, notices } = after(running, 'GUEST_PANICKED', 'STOP', 'GUEST_PANICKED', [
      'SHUTDOWN',
      { guest: true, reason: 'guest-panic' },
    ])
    expect(state).toMatchObject({ state: 'crashed', end: 'crashed' })
    expect(notices).toEqual([['crashed', lifecycleDetails.crashed.panicked]])
  })

  it('takes an end without an announcement for a crash', () => {
    expect(endNotice(running)).toEqual(['stopped', lifecycleDetails.stopped.failed])
    expect(shutoffState(running)).toEqual({ state: 'shutoff', reason: stateReasons.shutoff.crashed })
  })

  it('tells every change of the state, once, and nothing else, whatever QEMU says', () => {
    const names = [
      'STOP',
      'RESUME',
      'SHUTDOWN',
      'GUEST_PANICKED',
      'SUSPEND',
      'WAKEUP',
      'BLOCK_IO_ERROR',
      'RESET',
      'toString',
    ]
    const data = fc.record({
      reason: fc.constantFrom('guest-shutdown', 'host-qmp-quit', 'guest-panic', 7, null),
      action: fc.constantFrom('stop', 'report', undefined),
      guest: fc.constantFrom(true, false, 'yes'),
    })
    const event = fc.record({ name: fc.constantFrom(...names), data })
    fc.assert(
      fc.property(fc.constantFrom(startingState, startedPausedState, running), fc.array(event), (first, events) => {
        let state = first
        for (const one of events) {
          const next = nextState(state, one)
          const changed = next.state.state !== state.state || next.state.reason !== state.reason
          expect(next.notices.length).toBeLessThanOrEqual(1)
          if (next.notices.length > 0) expect(changed).toBe(true)
          if (state.state === 'crashed') expect(next.state.state).toBe('crashed')
          if (state.state === 'shutdown') expect(['shutdown', 'crashed']).toContain(next.state.state)
          if (state.end) expect(next.state.end).toBeDefined()
          state = next.state
        }
        expect(endNotice(state)[0]).toBe('stopped')
      }),
    )
  })
})

describe('foundState', () => {
  it('has an answer to everything that QEMU can say', () => {
    for (const status of runStates) expect(foundState(status).state).toMatch(/^[a-z]+$/)
    expect(foundState('io-error', { isFull: true, disk: 'vda' })).toMatchObject({
      state: 'paused',
      reason: stateReasons.paused.ioerror,
      why: "no space is left on the host for disk 'vda'",
    })
  })

  it('tells of a state that was not known before, but not of one that is about to end', () => {
    expect(foundNotice(foundState('running'))?.[0]).toBe('resumed')
    expect(foundNotice(foundState('paused'))).toEqual(['suspended', lifecycleDetails.suspended.paused])
    expect(foundNotice(foundState('io-error', { isFull: false }))).toEqual([
      'suspended',
      lifecycleDetails.suspended.ioerror,
      'a disk cannot be read or written on the host',
    ])
    expect(foundNotice(foundState('suspended'))?.[0]).toBe('pmsuspended')
    expect(foundNotice(foundState('guest-panicked'))).toBeUndefined()
  })
})
