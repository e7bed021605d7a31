import type { PropertyHolder } from './property-holder.ts'

/** Somebody's property that names an object. */
export interface Reference {
  readonly holder: PropertyHolder
  readonly property: string
}

/**
 * Who refers to whom through an explicitly set property, kept as properties change: to find the users of an object costs as
 * much as there are users, not objects.
 */
export class ReferenceIndex {
  readonly #users = new Map<object, Map<PropertyHolder, Set<string>>>()

  add(target: object, holder: PropertyHolder, property: string): void {
    const users = this.#users.get(target) ?? new Map<PropertyHolder, Set<string>>()
    this.#users.set(target, users)
    const properties = users.get(holder)
    if (properties) properties.add(property)
    else users.set(holder, new Set([property]))
  }

  delete(target: object, holder: PropertyHolder, property: string): void {
    const users = this.#users.get(target)
    const properties = users?.get(holder)
    properties?.delete(property)
    if (properties?.size === 0) users?.delete(holder)
    if (users?.size === 0) this.#users.delete(target)
  }

  /** All references to `target`, through one property if given. */
  *of(target: object, property?: string): Generator<Reference> {
    for (const [holder, properties] of this.#users.get(target) ?? []) {
      for (const name of properties) if (property === undefined || name === property) yield { holder, property: name }
    }
  }
}
