import type { System } from '../domains/system.ts'
import type { PropertyHolder } from '../properties/property-holder.ts'

/** A domain, or the system as a whole. */
type Holder = PropertyHolder & { readonly app: System }

/** Sets a property of a domain, or of the system, from text (reference: admin-api, 4.1). */
export async function setProperty(holder: Holder, name: string, text: string): Promise<void> {
  const property = holder.property(name)
  // The error of a property that cannot be set is not hidden by an error of the text.
  const parse = (): unknown => (property.writable === 'always' ? property.parse(holder, text) : text)
  if (property.verify) await property.verify(holder, parse())
  // Parsed again: the object that the text names may have been removed while the disk was asked.
  await holder.app.changes.make((unit) => holder.set(unit, property, parse()))
}

/**
 * Sets a property of a domain, or of the system, back to its default. Of a property that is stored but that this release does not
 * have, the stored value is deleted, without events.
 */
export async function resetProperty(holder: Holder, name: string): Promise<void> {
  await holder.app.changes.make((unit) => {
    if (!holder.dropUnknown(unit, name)) holder.reset(unit, holder.property(name))
  })
}
