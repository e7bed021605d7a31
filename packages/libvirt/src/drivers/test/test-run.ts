import type { Clock } from '@cloister/os'
import type { DomainDefinition } from '../../domain-definition.ts'
import type { DomainMemoryStats } from '../../driver.ts'
import type { EchoConsole } from './echo-console.ts'

/** One run of a domain, from its start to its end. */
export class TestRun {
  readonly id: number
  /** What the domain was started from. */
  readonly definition: DomainDefinition
  /** Consoles that have been opened, by alias. */
  readonly consoles: Map<string, EchoConsole> = new Map()
  /** KiB. */
  memory: number
  /** What the guest reports of its memory. */
  report: Omit<DomainMemoryStats, 'actual' | 'rss'> = {}
  /** The guest keeps its memory when it is told to give some up. */
  ignoresBalloon = false
  readonly #clock: Clock
  /** Milliseconds that the processors ran before the last pause. */
  #spent = 0
  /** When the processors were last started, by the monotonic clock; undefined while they are stopped. */
  #since: number | undefined

  constructor(id: number, definition: DomainDefinition, clock: Clock) {
    this.id = id
    this.definition = definition
    this.memory = definition.memory
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  /** Nanoseconds of processor time: one processor's, busy all the time. */
  get cpuTime(): bigint {
    return BigInt(Math.round(this.#milliseconds * 1e6))
  }

  halt(): void {
    this.#spent = this.#milliseconds
    this.#since = undefined
  }

  proceed(): void {
    this.#since = this.#clock.monotonic()
  }

  /** Closes all consoles. */
  end(): void {
    for (const console of this.consoles.values()) console.close()
  }

  get #milliseconds(): number {
    return this.#spent + (this.#since === undefined ? 0 : this.#clock.monotonic() - this.#since)
  }
}
