import { setImmediate as turn } from 'node:timers/promises'
import { QubesException } from '@cloister/kit'
import { beforeEach, describe, expect, it } from 'vitest'
import { Journal } from './journal.ts'
import { StateWriteError } from './state-write-error.ts'
import { ModelStateStore } from './testing/model-state-store.ts'
import type { Unit } from './unit.ts'

let store: ModelStateStore
let journal: Journal<string>
let told: string[]
let fatal: StateWriteError[]
let listenerErrors: unknown[]
/** Memory: labels of domains. */
let labels: Map<number, string>

beforeEach(() => {
  store = new ModelStateStore()
  told = []
  fatal = []
  listenerErrors = []
  labels = new Map()
  journal = new Journal<string>(store, {
    onFatal: (error) => fatal.push(error),
    onListenerError: (thrown) => listenerErrors.push(thrown),
  })
  journal.onEvent((event) => told.push(event))
})

/** Sets a label in memory and in a unit. */
function setLabel(unit: Unit<string>, qid: number, label: string): void {
  const before = labels.get(qid)
  labels.set(qid, label)
  unit.onRollback(() => (before === undefined ? labels.delete(qid) : labels.set(qid, before)))
  unit.put('properties', [qid, 'label'], [label])
  unit.emit(`${qid} is ${label}`)
}

/** One unit that sets a label; adds to the list of events when its commit has resolved. */
async function labelled(qid: number, label: string): Promise<void> {
  const unit = journal.begin()
  setLabel(unit, qid, label)
  await unit.commit()
  told.push(`reply ${qid}`)
}

describe('Journal', () => {
  it('sends events when the unit is durable, before the reply', async () => {
    const call = labelled(1, 'red')
    await turn()
    expect(told).toEqual([])
    store.succeed()
    await call
    expect(told).toEqual(['1 is red', 'reply 1'])
    expect(store.durable.rows('properties')).toEqual([[1, 'label', 'red']])
  })

  it('commits what finishes during a commit together with the next one', async () => {
    const calls = [labelled(1, 'red')]
    await turn()
    calls.push(labelled(2, 'blue'), labelled(1, 'green'), labelled(2, 'gray'))
    store.succeed()
    await turn()
    expect(store.commits.map((changes) => changes.length)).toEqual([1, 2])
    store.succeed()
    await Promise.all(calls)
    expect(told.filter((line) => line.includes('is'))).toEqual(['1 is red', '2 is blue', '1 is green', '2 is gray'])
    expect(store.durable.rows('properties')).toEqual([
      [1, 'label', 'green'],
      [2, 'label', 'gray'],
    ])
  })

  it('keeps the order of a unit without rows, and makes no transaction for it alone', async () => {
    journal.publish('alone')
    await journal.idle()
    expect(told).toEqual(['alone'])
    expect(store.commits).toEqual([])
    const call = labelled(1, 'red')
    journal.publish('second')
    const empty = journal.begin()
    empty.emit('third')
    const last = empty.commit()
    await turn()
    expect(told).toEqual(['alone'])
    store.succeed()
    await Promise.all([call, last])
    expect(told).toEqual(['alone', '1 is red', 'second', 'third', 'reply 1'])
  })

  it('undoes everything that is not durable when a commit fails', async () => {
    const first = labelled(1, 'red')
    await turn()
    store.succeed()
    await first
    const open = journal.begin()
    setLabel(open, 2, 'blue')
    const inFlight = labelled(1, 'green')
    await turn()
    setLabel(open, 2, 'gray')
    const queued = labelled(1, 'black')
    store.fail()
    const outcomes = await Promise.allSettled([inFlight, queued])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect([...labels]).toEqual([[1, 'red']])
    expect(told).toEqual(['1 is red', 'reply 1'])
    await journal.idle()
    expect(fatal).toEqual([])
  })

  it('gives every waiter an error that may be shown, with its cause', async () => {
    const call = labelled(1, 'red')
    await turn()
    store.fail()
    const error: unknown = await call.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StateWriteError)
    expect(error).toBeInstanceOf(QubesException)
    expect(error).toMatchObject({
      wireType: 'QubesException',
      message: 'The state could not be written, nothing was changed: no space',
      cause: { reason: 'full' },
    })
  })

  it('closes open units after a failure, and accepts new ones', async () => {
    const open = journal.begin()
    const failing = labelled(1, 'red')
    await turn()
    store.fail()
    await expect(failing).rejects.toThrow(StateWriteError)
    expect(() => open.put('domains', [1], ['AppVM'])).toThrow(StateWriteError)
    expect(() => open.emit('x')).toThrow(StateWriteError)
    await expect(open.commit()).rejects.toThrow(StateWriteError)
    expect(() => setLabel(open, 2, 'blue')).toThrow(StateWriteError)
    expect(labels.size).toBe(0)
    open.rollback()
    const next = labelled(1, 'blue')
    await turn()
    store.succeed()
    await next
    expect(store.durable.rows('properties')).toEqual([[1, 'label', 'blue']])
  })

  it('still sends published events when an earlier commit fails', async () => {
    const failing = labelled(1, 'red')
    journal.publish('a guest ended')
    await turn()
    journal.publish('another one')
    store.fail()
    await expect(failing).rejects.toThrow(StateWriteError)
    await journal.idle()
    expect(told).toEqual(['a guest ended', 'another one'])
  })

  it('rolls one unit back by itself', async () => {
    const call = labelled(1, 'red')
    const unit = journal.begin()
    setLabel(unit, 2, 'blue')
    setLabel(unit, 2, 'green')
    unit.rollback(new Error('vetoed'))
    expect(labels.has(2)).toBe(false)
    expect(() => unit.put('domains', [2], ['AppVM'])).toThrow('rolled back')
    await turn()
    store.succeed()
    await call
    expect(told).toEqual(['1 is red', 'reply 1'])
  })

  it('takes nothing more into a unit that is committed', async () => {
    const unit = journal.begin()
    const done = unit.commit()
    expect(() => setLabel(unit, 1, 'red')).toThrow('committed')
    expect(labels.size).toBe(0)
    await expect(unit.commit()).rejects.toThrow('committed')
    await done
  })

  it('survives a listener that throws, and can remove listeners', async () => {
    const bad = new Error('no')
    const stop = journal.onEvent(() => {
      throw bad
    })
    journal.publish('one')
    await journal.idle()
    stop()
    journal.publish('two')
    await journal.idle()
    expect(told).toEqual(['one', 'two'])
    expect(listenerErrors).toEqual([bad])
  })

  it('keeps the order when a listener publishes', async () => {
    journal.onEvent((event) => {
      if (event === 'one') journal.publish('three')
    })
    journal.publish('one')
    journal.publish('two')
    await journal.idle()
    expect(told).toEqual(['one', 'two', 'three'])
  })
})

describe('a journal after a fatal error', () => {
  async function expectRefusal(): Promise<void> {
    expect(fatal).toHaveLength(1)
    expect(() => journal.begin()).toThrow(fatal[0])
    journal.publish('never')
    await journal.idle()
    expect(told).toEqual([])
  }

  it('stops when undoing after a failed commit throws', async () => {
    const unit = journal.begin()
    unit.onRollback(() => {
      throw new Error('cannot undo')
    })
    const open = journal.begin()
    const failing = labelled(1, 'red')
    await turn()
    const queued = labelled(2, 'red')
    store.fail()
    await expect(failing).rejects.toThrow('cannot be trusted any more: cannot undo')
    await expect(queued).rejects.toThrow('cannot undo')
    expect(() => open.emit('x')).toThrow('cannot undo')
    await expectRefusal()
  })

  it('stops when a roll-back throws, whatever the commit under way comes to', async () => {
    const inFlight = labelled(1, 'red')
    await turn()
    const unit = journal.begin()
    unit.onRollback(() => {
      throw new Error('cannot undo')
    })
    unit.rollback()
    await expect(inFlight).rejects.toThrow('cannot undo')
    store.succeed()
    await expectRefusal()
  })

  it('stops when the store has failed for good', async () => {
    const failing = labelled(1, 'red')
    await turn()
    store.fail({ lasting: true })
    await expect(failing).rejects.toThrow(StateWriteError)
    expect(labels.size).toBe(0)
    await expectRefusal()
  })
})
