import { msg, QubesNoSuchPropertyError, QubesPropertyValueError, QubesValueError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { CoreEvent } from '../changes/core-event.ts'
import type { Fires, Subject } from '../changes/event-bus.ts'
import { Damage } from './damage.ts'
import type { AnyProperty, Property, PropertyTable } from './property.ts'
import type { PropertyEvents } from './property-events.ts'
import type { ReferenceIndex } from './reference-index.ts'

/** A property whose type of value does not matter. */
export type PropertyName = Pick<AnyProperty, 'name'>

/** The part of the system that an object with properties uses. */
export interface PropertySystem {
  readonly events: Fires<PropertyEvents>
  readonly references: ReferenceIndex
}

/** An object with properties: the system as a whole, or a domain. Holds the values that were set; all others are defaults. */
export abstract class PropertyHolder implements Subject {
  abstract readonly system: PropertySystem
  readonly #explicit = new Map<string, unknown>()
  /** The parts of the object whose stored text cannot be read. */
  readonly damage: Damage = new Damage()

  abstract get eventSubject(): Pick<CoreEvent, 'domain'> | undefined
  /** All properties of the object's class. */
  abstract get propertyTable(): PropertyTable
  /** Name of the object, for error texts. */
  abstract get title(): string
  /** Stores the value of a property as text; `undefined` deletes what is stored. */
  protected abstract storeProperty(unit: ChangeUnit, name: string, text: string | null | undefined): void

  /** @throws QubesNoSuchPropertyError */
  property(name: string): AnyProperty {
    const property = this.propertyTable.get(name)
    if (!property) throw new QubesNoSuchPropertyError(msg`${this.title} has no property ${name}`)
    return property
  }

  /** The value, explicit or by default; undefined when there is none, or no such property. */
  get<V>(property: Property<unknown, V>): V | undefined {
    if (this.damage.has(property.name)) return undefined
    // A class may give an inherited property another default, but never another type.
    return (
      this.#explicit.has(property.name)
        ? this.#explicit.get(property.name)
        : this.propertyTable.get(property.name)?.fallback(this)
    ) as V | undefined
  }

  isDefault(property: PropertyName): boolean {
    return !this.#explicit.has(property.name) && !this.damage.has(property.name)
  }

  /** Explicitly set properties with their values. */
  *explicitProperties(): Generator<readonly [AnyProperty, unknown]> {
    for (const [name, value] of this.#explicit) yield [this.property(name), value]
  }

  /** Sets a value with its checks and events (reference: admin-api, 4.1). */
  set<V>(unit: ChangeUnit, { name }: Property<unknown, V> | PropertyName, value: V): void {
    const property = this.property(name)
    this.#refuseUnlessWritable(property)
    const newvalue = property.normal ? property.normal(this, value) : value
    property.check?.(this, newvalue)
    const oldvalue = this.get(property)
    const event = { name, newvalue, oldvalue }
    this.system.events.fire(unit, this, 'property-pre-set', event, name)
    this.assign(unit, property, newvalue)
    this.system.events.fire(unit, this, 'property-set', event, name)
  }

  /**
   * Resets a property to its default; for a computed property nothing changes, but events are fired. A reset that the state of
   * the system forbids is refused after `property-pre-reset` (reference: admin-api, 4.1).
   */
  reset(unit: ChangeUnit, { name }: PropertyName): void {
    const property = this.property(name)
    if (property.writable === 'once') this.#refuseUnlessWritable(property)
    const event = { name, oldvalue: this.get(property) }
    this.system.events.fire(unit, this, 'property-pre-reset', event, name)
    property.checkReset?.(this)
    if (property.required)
      throw new QubesValueError(msg`The ${name} of ${this.title} cannot be reset, it has no default: set another value`)
    this.system.events.fire(unit, this, 'property-pre-del', event, name)
    this.assign(unit, property, undefined)
    this.system.events.fire(unit, this, 'property-reset', event, name)
    this.system.events.fire(unit, this, 'property-del', event, name)
  }

  /**
   * The name under which `damage` lists a stored property. The prefix keeps a property that this release does not have apart from
   * other parts of the object, such as `firewall`.
   */
  damagePart(name: string): string {
    return this.propertyTable.has(name) ? name : `property ${name}`
  }

  /** Deletes the stored value of a property that this release does not have; false when none is stored. */
  dropUnknown(unit: ChangeUnit, name: string): boolean {
    const part = this.damagePart(name)
    if (this.propertyTable.has(name) || !this.damage.has(part)) return false
    this.damage.heal(unit, part)
    this.storeProperty(unit, name, undefined)
    return true
  }

  /** Sets a value, or removes it with `undefined`, without checks or events; undone when the unit is rolled back. */
  assign<V>(unit: ChangeUnit, property: Property<unknown, V> | PropertyName, value: V | undefined): void {
    const { name, format } = this.property(property.name)
    const had = this.#explicit.has(name)
    const before = this.#explicit.get(name)
    this.#put(name, value)
    unit.onRollback(() => this.#put(name, had ? before : undefined))
    this.damage.heal(unit, name)
    this.storeProperty(unit, name, value === undefined ? undefined : value === null ? null : format(value))
  }

  /** Sets a value that was read from storage, without checks or events. */
  load(name: string, text: string | null): void {
    const property = this.property(name)
    // The name from the table, so that objects share one string.
    this.#put(property.name, text === null ? null : property.parse(this, text))
  }

  /** All explicitly set properties as texts, which is how they are stored. */
  *explicitTexts(): Generator<readonly [name: string, text: string | null]> {
    for (const [property, value] of this.explicitProperties())
      yield [property.name, value === null ? null : property.format(value)]
  }

  /** Drops an object that did not become part of the system, with its references to other objects. */
  discard(): void {
    this.dropReferences()
  }

  /** Removes this object from the users of the objects that its properties name. */
  protected dropReferences(): void {
    for (const [name, value] of this.#explicit) this.#refer('delete', name, value)
  }

  /** Adds this object to the users of the objects that its properties name. */
  protected restoreReferences(): void {
    for (const [name, value] of this.#explicit) this.#refer('add', name, value)
  }

  #put(name: string, value: unknown): void {
    this.#refer('delete', name, this.#explicit.get(name))
    if (value === undefined) this.#explicit.delete(name)
    else this.#explicit.set(name, value)
    this.#refer('add', name, value)
  }

  #refer(operation: 'add' | 'delete', name: string, value: unknown): void {
    if (typeof value === 'object' && value !== null) this.system.references[operation](value, this, name)
  }

  #refuseUnlessWritable(property: AnyProperty): void {
    if (property.writable === 'never')
      throw new QubesPropertyValueError(msg`The property ${property.name} cannot be set: it is computed`)
    // Clients that copy a domain set each property of the copy, and skip those that the server says do not exist.
    if (property.writable === 'once')
      throw new QubesNoSuchPropertyError(
        msg`${this.title} has no property ${property.name} that can be set: it is fixed when the object is created`,
      )
  }
}
