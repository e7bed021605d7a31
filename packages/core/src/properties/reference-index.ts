import type { PropertyHolder } from './property-holder.ts'

/** Somebody's property that names an object. */
export interface Reference {
  readonly holder: PropertyHolder
  readonly property: string
}

/** Names of properties; nearly always there is one, and there are many of these. */
type Names = string | ReadonlySet<string>

/**
 * Who refers to whom through an explicitly set property, kept as properties change: to find the users of an object costs as
 * much as there are users, not objects.
 */
export class ReferenceIndex {
  readonly #users = new Map<object, Map<PropertyHolder, Names>>()

  add(target: object, holder: PropertyHolder, property: string): void {
    const users = this.#users.get(target) ?? new Map<PropertyHolder, Names>()
    this.#users.set(target, users)
    const names = users.get(holder)
    users.set(holder, names === undefined || names === property ? property : new Set([...each(names), property]))
  }

  delete(target: object, holder: PropertyHolder, property: string): void {
    const users = this.#users.get(target)
    const left = each(users?.get(holder) ?? []).filter((name) => name !== property)
    if (left.length > 0) users?.set(holder, new Set(left))
    else users?.delete(holder)
    if (users?.size === 0) this.#users.delete(target)
  }

  /** All references to `target`, through one property if given. */
  *of(target: object, property?: string): Generator<Reference> {
    for (const [holder, names] of this.#users.get(target) ?? []) {
      for (const name of each(names)) if (property === undefined || name === property) yield { holder, property: name }
    }
  }

  /** True when somebody refers to `target`. */
  has(target: object): boolean {
    return this.#users.has(target)
  }
}

function each(names: Names | readonly string[]): string[] {
  return typeof names === 'string' ? [names] : [...names]
}
