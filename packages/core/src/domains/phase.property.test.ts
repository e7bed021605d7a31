import { CloisterError } from '@cloister/kit'
import { ModelledClock } from '@cloister/os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, Phase, type PhaseName, rules } from './phase.ts'

/** A phase that was led to `name` on an allowed way. */
function phaseIn(name: PhaseName): Phase {
  const ways: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
    halted: [],
    starting: ['starting'],
    running: ['starting', 'running'],
    stopping: ['starting', 'stopping'],
    changing: ['changing'],
    removing: ['removing'],
    removed: ['removing', 'removed'],
  }
  const phase = new Phase('work')
  for (const step of ways[name]) phase.enter(step)
  return phase
}

const actions = Object.keys(rules) as Action[]
const names: readonly PhaseName[] = ['halted', 'starting', 'running', 'stopping', 'changing', 'removing', 'removed']

describe('the phase of a domain', () => {
  it('allows exactly what the table says, and refuses the rest with what is being done', () => {
    for (const name of names) {
      for (const action of actions) {
        const phase = phaseIn(name)
        const allowed = (rules[action].phases as readonly PhaseName[]).includes(name)
        expect([name, action, phase.allows(action)]).toEqual([name, action, allowed])
        if (allowed) phase.require(action)
        else expect(() => phase.require(action)).toThrow(CloisterError)
      }
    }
    expect(() => phaseIn('starting').require('setTemplate')).toThrow(
      'Changing the template of work is refused: it is being started: try again when that is done',
    )
  })

  it('never has two operations at once, whatever asks for them', async () => {
    const anyAct = fc.constantFrom('change', 'start', 'stop', 'remove', 'hold')
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { maxLength: 30 }), fc.scheduler(), async (acts, scheduler) => {
        const clock = new ModelledClock()
        const phase = new Phase('work')
        let busy = 0
        let held = 0
        const work = async (name: string): Promise<void> => {
          expect(++busy).toBe(1)
          await scheduler.schedule(Promise.resolve(), name)
          busy--
        }
        const perform: Readonly<Record<string, () => Promise<void>>> = {
          change: async () => {
            await phase.settle(clock, 'replaceVolume')
            await phase.during('replaceVolume', 'importing', () => work('change'))
          },
          start: async () => {
            await phase.settle(clock, 'start')
            phase.require('start')
            phase.enter('starting')
            await work('start')
            phase.enter('running')
          },
          stop: async () => {
            phase.require('kill')
            if (phase.name !== 'running') return
            phase.enter('stopping')
            await work('stop')
            phase.enter('halted')
          },
          remove: async () => {
            await phase.settle(clock, 'remove')
            phase.require('remove')
            expect(held).toBe(0)
            phase.enter('removing')
            await work('remove')
            phase.enter('halted')
          },
          hold: async () => {
            using _hold = phase.hold()
            held++
            await scheduler.schedule(Promise.resolve(), 'hold')
            held--
          },
        }
        const all = acts.map((act) => perform[act]?.().catch((error) => expect(error).toBeInstanceOf(CloisterError)))
        await scheduler.waitFor(Promise.all(all))
      }),
    )
  })

  it('is waited for no longer than its limit', async () => {
    const clock = new ModelledClock()
    const phase = phaseIn('changing')
    const refused = expect(phase.settle(clock, 'start')).rejects.toThrow(/being changed for more than 120 s/)
    clock.advance(120_000)
    await refused
  })
})
