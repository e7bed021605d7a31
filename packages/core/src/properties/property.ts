/** Types that a property can have on the wire (reference: admin-api, 4.1). */
export type WireType = 'str' | 'int' | 'bool' | 'vm' | 'label'

/**
 * One property of one class of objects: its name, the values that it accepts, its default.
 * `null` is an explicit "none"; `undefined` means that there is no value at all.
 */
export interface Property<O, V> {
  readonly name: string
  readonly type: WireType
  /** One line of plain text. */
  readonly help: string
  /** Order on the wire: the stage in which it is loaded, then the name (reference: admin-api, 5). */
  readonly stage: 2 | 3 | 4
  /** `once`: fixed when the object is made. `never`: computed. */
  readonly writable: 'always' | 'once' | 'never'
  /** False for a property that is not copied when the object is cloned. */
  readonly clone: boolean
  /** The property of a domain's template whose value is the default of this one, nearly always the property of the same name. */
  readonly inherits: string | undefined
  /** The global property whose value is the default; for an inherited property only of domains without a template. */
  readonly systemDefault: string | undefined
  /** A disposable may differ from its template in this property, because the property identifies the domain or its place in the network. */
  readonly perInstance: boolean
  /** The domain has a tag `<property>-<value>`, also when the value is the default. */
  readonly tagged: boolean
  /** Clients see `default=True` even when the default has no value now. */
  readonly hasDefault: boolean
  /** An object is not usable without an explicit value: the property cannot be reset. */
  readonly required: boolean
  /** The value when none is stored. */
  fallback(owner: O): V | undefined
  /** Parses a text; uses only the text and the names of objects. @throws QubesValueError, QubesPropertyValueError */
  parse(owner: O, text: string): V
  /** The value as text. */
  format(value: V): string
  /** Refuses a value that does not fit the state of the system. */
  check?(owner: O, value: V): void
  /** A check that needs the disk; runs before the change begins. */
  verify?(owner: O, value: V): Promise<void>
  /** Refuses to reset the property; subscribers have got `property-pre-reset` before. */
  checkReset?(owner: O): void
  /** Replaces a value to be stored by its normal form. */
  normal?(owner: O, value: V): V
}

/** A property of any class of objects. */
export type AnyProperty = Property<unknown, unknown>

/** All properties of a class, in wire order. */
export type PropertyTable = ReadonlyMap<string, AnyProperty>

/** Builds the table of a class from lists; a later property of the same name takes the place of an earlier one. */
export function propertyTable(...lists: readonly (readonly AnyProperty[])[]): PropertyTable {
  const byName = new Map(lists.flat().map((property) => [property.name, property]))
  const order = (a: AnyProperty, b: AnyProperty): number => a.stage - b.stage || (a.name < b.name ? -1 : 1)
  return new Map([...byName.values()].sort(order).map((property) => [property.name, property]))
}
