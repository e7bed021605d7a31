import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Journal } from './journal.ts'
import { StateWriteError } from './state-write-error.ts'
import { ModelStateStore } from './testing/model-state-store.ts'
import { sorted } from './testing/row-model.ts'
import type { Unit } from './unit.ts'

type Outcome = 'open' | 'committed' | 'durable' | 'failed' | 'rolled back'

/** A unit of work, and what the test saw of it. */
interface Tried {
  readonly unit: Unit<string>
  /** Domains that it changed. */
  readonly qids: Set<number>
  readonly events: string[]
  outcome: Outcome
}

/** Plays steps against a journal; checks after each what must hold then. */
class World {
  readonly store: ModelStateStore = new ModelStateStore()
  readonly told: string[] = []
  readonly journal: Journal<string>
  /** `qid name` to value, changed at once as core does, undone by the journal. */
  readonly memory: Map<string, string> = new Map()
  readonly tried: Tried[] = []
  /** Units and published events, in the order of their commits. */
  readonly order: (Tried | string)[] = []
  #count = 0

  constructor() {
    this.journal = new Journal<string>(this.store, {
      onFatal: (error) => {
        throw error
      },
      onListenerError: (thrown) => {
        throw thrown
      },
    })
    this.journal.onEvent((event) => this.told.push(event))
  }

  begin(): void {
    this.tried.push({ unit: this.journal.begin(), qids: new Set(), events: [], outcome: 'open' })
  }

  set(which: number, row: string): void {
    const tried = this.#pick(which)
    if (!tried || !this.#hold(tried, keyOf(row)[0])) return
    const value = `v${this.#count++}`
    this.#change(tried, row, value)
    tried.unit.put('properties', keyOf(row), [value])
    const event = `${row}=${value}`
    tried.events.push(event)
    tried.unit.emit(event)
  }

  removeAll(which: number, qid: number): void {
    const tried = this.#pick(which)
    if (!tried || !this.#hold(tried, qid)) return
    for (const row of this.memory.keys()) if (keyOf(row)[0] === qid) this.#change(tried, row, undefined)
    tried.unit.delete('properties', [qid])
  }

  commit(which: number): void {
    const tried = this.#pick(which)
    if (!tried) return
    tried.outcome = 'committed'
    this.order.push(tried)
    tried.unit.commit().then(
      () => {
        expect(tried.outcome).toBe('committed')
        tried.outcome = 'durable'
        expect(this.told).toEqual(expect.arrayContaining(tried.events))
      },
      (error: unknown) => {
        expect(tried.outcome).toBe('committed')
        tried.outcome = 'failed'
        expect(error).toBeInstanceOf(StateWriteError)
      },
    )
  }

  rollBack(which: number): void {
    const tried = this.#pick(which)
    if (!tried) return
    tried.unit.rollback()
    tried.outcome = 'rolled back'
  }

  publish(): void {
    const event = `published ${this.#count++}`
    this.order.push(event)
    this.journal.publish(event)
  }

  async settle(success: boolean): Promise<void> {
    if (!this.store.busy) return
    if (success) this.store.succeed()
    else {
      this.store.fail()
      for (const tried of this.tried) if (tried.outcome === 'open') tried.outcome = 'failed'
    }
    await turn()
    if (!success) this.expectMemoryDurable()
  }

  /** Ends everything, then checks what must hold at the end. */
  async end(): Promise<void> {
    this.tried.forEach((_, index) => {
      if (index % 2) this.commit(index)
      else this.rollBack(index)
    })
    await turn()
    while (this.store.busy) await this.settle(true)
    await this.journal.idle()
    expect(this.tried.filter(({ outcome }) => outcome === 'open' || outcome === 'committed')).toEqual([])
    this.expectMemoryDurable()
    this.expectEvents()
  }

  expectMemoryDurable(): void {
    const rows = [...this.memory].map(([row, value]) => [...keyOf(row), value])
    expect(sorted(rows)).toEqual(this.store.durable.rows('properties'))
  }

  /** Events left in the order of commits: those of durable units, and all that were published. */
  expectEvents(): void {
    const expected = this.order.flatMap((one) => {
      if (typeof one === 'string') return [one]
      return one.outcome === 'durable' ? one.events : []
    })
    expect(this.told).toEqual(expected)
  }

  #change(tried: Tried, row: string, value: string | undefined): void {
    const before = this.memory.get(row)
    const assign = (to: string | undefined): void => {
      if (to === undefined) this.memory.delete(row)
      else this.memory.set(row, to)
    }
    assign(value)
    tried.unit.onRollback(() => assign(before))
  }

  #pick(which: number): Tried | undefined {
    const tried = this.tried[which % Math.max(1, this.tried.length)]
    return tried?.outcome === 'open' ? tried : undefined
  }

  /** Two open units never change the same domain: core's locks see to that. */
  #hold(tried: Tried, qid: number): boolean {
    if (this.tried.some((other) => other !== tried && other.outcome === 'open' && other.qids.has(qid))) return false
    tried.qids.add(qid)
    return true
  }
}

function keyOf(row: string): [number, string] {
  const [qid, name] = row.split(' ')
  return [Number(qid), name ?? '']
}

const which = fc.nat(20)
const row = fc.constantFrom('1 a', '1 b', '2 a', '2 b', '3 a')

/** One step in the life of a world. */
const step: fc.Arbitrary<(world: World) => void | Promise<void>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((world: World) => world.begin()) },
  {
    weight: 5,
    arbitrary: fc.tuple(which, row).map(
      ([w, r]) =>
        (world: World) =>
          world.set(w, r),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(which, fc.integer({ min: 1, max: 3 })).map(
      ([w, q]) =>
        (world: World) =>
          world.removeAll(w, q),
    ),
  },
  { weight: 3, arbitrary: which.map((w) => (world: World) => world.commit(w)) },
  { weight: 1, arbitrary: which.map((w) => (world: World) => world.rollBack(w)) },
  { weight: 1, arbitrary: fc.constant((world: World) => world.publish()) },
  { weight: 3, arbitrary: fc.constant(async () => void (await turn())) },
  { weight: 2, arbitrary: fc.constant((world: World) => world.settle(true)) },
  { weight: 1, arbitrary: fc.constant((world: World) => world.settle(false)) },
)

it('memory is what is durable, events are in order and no waiter is lost, whatever fails when', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      const world = new World()
      for (const play of steps) await play(world)
      await world.end()
    }),
    { numRuns: 1500 },
  )
})
