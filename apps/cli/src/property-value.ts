import type { PropertyValue } from '@cloister/admin-protocol'

/** Words for no domain, as in `cloister prefs work netvm none`; no domain can be called so. */
const noneWords: ReadonlySet<string> = new Set(['none', 'None'])

/** A value as it is sent: no domain is the empty text. Where `none` is given, `read` tells what the property holds. */
export async function valueForWire(value: string, read: () => Promise<PropertyValue>): Promise<string> {
  return noneWords.has(value) && (await read()).type === 'vm' ? '' : value
}
