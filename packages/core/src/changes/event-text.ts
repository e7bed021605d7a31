/** A value as events show it: `True`, `False` and `None` as in Python, objects by name (reference: admin-api, 6.1). */
export function eventText(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return value.map(eventText).join(' ')
  if (typeof value === 'object' && 'name' in value) return String(value.name)
  return String(value)
}

/** Arguments as pairs of texts, in their order; undefined values are left out. */
export function eventPairs(values: object): [string, string][] {
  const pairs: [string, string][] = []
  for (const [key, value] of Object.entries(values)) if (value !== undefined) pairs.push([key, eventText(value)])
  return pairs
}
