import { QubesException } from '@cloister/kit'
import type { Clock, Host } from '@cloister/os'
import type { ChangeUnit } from '../changes/change-unit.ts'

/** Numbers of disposables (`dispid`): 0 would make the address of a network. A number whose disposable was removed is not used for seven days. */
const numbers = { first: 1, last: 9999, tries: 100, restMs: 7 * 24 * 3600_000 } as const

/** The numbers that names and addresses of disposables are made from (reference: storage-and-lifecycle, B.6). */
export class DisposableNumbers {
  readonly #clock: Clock
  readonly #host: Host
  readonly #isUsed: (name: string) => boolean
  /** Numbers of removed disposables that are not free yet, with the time of the removal, milliseconds since 1970. */
  readonly #released = new Map<number, number>()
  readonly #taken = new Set<number>()

  /** @param isUsed whether a domain has that name */
  constructor({ clock, host }: { readonly clock: Clock; readonly host: Host }, isUsed: (name: string) => boolean) {
    this.#clock = clock
    this.#host = host
    this.#isUsed = isUsed
  }

  /** Adds a number of a removed disposable that was read from storage. */
  loadReleased(id: number, releasedMs: number): void {
    this.#released.set(id, releasedMs)
  }

  /** A random number that no disposable has, nor had in the last seven days. @throws QubesException when too few are free */
  take(): number {
    const now = this.#clock.now()
    for (let tries = 0; tries < numbers.tries; tries++) {
      const [high = 0, low = 0] = this.#host.random(2)
      const id = numbers.first + ((high * 256 + low) % (numbers.last - numbers.first + 1))
      const rests = now - (this.#released.get(id) ?? Number.NEGATIVE_INFINITY) < numbers.restMs
      if (rests || this.#taken.has(id) || this.#isUsed(disposableName(id))) continue
      this.#taken.add(id)
      return id
    }
    throw new QubesException(
      `No number is free for another disposable: ${this.#taken.size} are in use, and a number rests for 7 days after its disposable was removed. Wait, or create a named disposable`,
    )
  }

  /** Notes a number that is in use. */
  noteTaken(id: number): void {
    this.#taken.add(id)
  }

  /** Frees a number whose disposable did not become part of the system; it can be used at once. */
  giveBack(id: number): void {
    this.#taken.delete(id)
  }

  /** Frees the number of a disposable that is removed; it can be used after seven days. */
  release(unit: ChangeUnit, id: number): void {
    const now = this.#clock.now()
    this.#taken.delete(id)
    this.#released.set(id, now)
    unit.onRollback(() => {
      this.#taken.add(id)
      this.#released.delete(id)
    })
    unit.put('released_dispids', [id], [now])
    for (const [old, releasedMs] of this.#released) {
      if (now - releasedMs < numbers.restMs) continue
      this.#released.delete(old)
      unit.delete('released_dispids', [old])
    }
  }
}

/** Name of the disposable with a number. */
export function disposableName(id: number): string {
  return `disp${id}`
}
