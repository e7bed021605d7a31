/** Arguments of the events about a property. */
export interface PropertyChange {
  readonly name: string
  readonly newvalue?: unknown
  readonly oldvalue?: unknown
}

/** Events of the changes of an object's properties; the variant is the name of the property (reference: admin-api, 6.2). */
export interface PropertyEvents {
  'property-pre-set': PropertyChange
  'property-set': PropertyChange
  'property-pre-reset': PropertyChange
  'property-pre-del': PropertyChange
  'property-reset': PropertyChange
  'property-del': PropertyChange
}
