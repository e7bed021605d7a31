import type { ChangeUnit } from '../changes/change-unit.ts'

/**
 * The parts of an object whose stored text cannot be read, each with the reason. A damaged part has no value, not even its
 * default, because the default may allow more than the stored value did. The stored text stays until the part is set anew.
 */
export class Damage {
  /** Most objects have none, and there are thousands of them. */
  #reasons: Map<string, string> | undefined

  /** Notes that a property, or another part such as `firewall` or `volume root`, cannot be read. */
  note(part: string, reason: string): void {
    this.#reasons ??= new Map()
    this.#reasons.set(part, reason)
  }

  has(part: string): boolean {
    return this.#reasons?.has(part) === true
  }

  /** The part was set anew. */
  heal(unit: ChangeUnit, part: string): void {
    const reason = this.#reasons?.get(part)
    if (reason === undefined) return
    this.#reasons?.delete(part)
    unit.onRollback(() => this.note(part, reason))
  }

  /** In words: `netvm: there is no domain sys-net`. */
  list(): string[] {
    return Array.from(this.#reasons ?? [], ([part, reason]) => `${part}: ${reason}`)
  }
}
