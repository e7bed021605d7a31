import type { PropertyValue } from '@cloister/admin-protocol'

/** Words for no domain, as in `cloister prefs work netvm none`; no domain can have these names. */
const noneWords: ReadonlySet<string> = new Set(['none', 'None'])

/** The value as it is sent: empty for no domain. Where `none` is given, `read` gives the property, whose type decides. */
export async function valueForWire(value: string, read: () => Promise<PropertyValue>): Promise<string> {
  return noneWords.has(value) && (await read()).type === 'vm' ? '' : value
}
