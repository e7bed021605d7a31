/** An object with properties that name other objects. */
export interface ReferenceHolder {
  /** Name of the object, for error texts. */
  readonly title: string
}

/** A property that names an object, and the object that has the property. */
export interface Reference {
  readonly holder: ReferenceHolder
  readonly property: string
}

/** Names of properties. As there are many of these and nearly all have one name, one name is stored as a string. */
type Names = string | ReadonlySet<string>

/**
 * The users of each object: the holders whose explicitly set properties name the object. Kept up to date as properties change,
 * so that finding the users takes time in proportion to their number, not to the number of all objects.
 */
export class ReferenceIndex {
  readonly #users = new Map<object, Map<ReferenceHolder, Names>>()

  add(target: object, holder: ReferenceHolder, property: string): void {
    const users = this.#users.get(target) ?? new Map<ReferenceHolder, Names>()
    this.#users.set(target, users)
    const names = users.get(holder)
    users.set(holder, names === undefined || names === property ? property : new Set([...each(names), property]))
  }

  delete(target: object, holder: ReferenceHolder, property: string): void {
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

  /** True when a property names `target`. */
  has(target: object): boolean {
    return this.#users.has(target)
  }
}

function each(names: Names | readonly string[]): string[] {
  return typeof names === 'string' ? [names] : [...names]
}
