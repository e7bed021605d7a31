/** Words for "no value", as in `cloister prefs work netvm none`. */
const noneWords: ReadonlySet<string> = new Set(['none', 'None'])

/** Properties that are domains and may be none; for others `none` may be a value like any other. */
const domainProperties: ReadonlySet<string> = new Set([
  'audiovm',
  'clockvm',
  'default_audiovm',
  'default_dispvm',
  'default_guivm',
  'default_netvm',
  'default_template',
  'guivm',
  'management_dispvm',
  'netvm',
  'relayvm',
  'template',
  'updatevm',
])

/** A value as it is sent: no domain is the empty text (no domain can be called none). */
export function valueForWire(property: string, value: string): string {
  return noneWords.has(value) && domainProperties.has(property) ? '' : value
}
