import type { PropertyType, TypedValue } from '@cloister/admin-protocol'
import { parseBoolean, parseInteger } from '@cloister/kit'
import type { Json } from './json.ts'

/** Types in which an empty text means that there is no value. */
const noneable: ReadonlySet<PropertyType> = new Set(['vm', 'int', 'bool', 'label'])

/** The value of a property as JSON. */
export function propertyJson({ type, value }: TypedValue): Json {
  if (value === '' && noneable.has(type)) return null
  if (type === 'bool') return parseBoolean(value) ?? value
  if (type === 'int') return parseInteger(value) ?? value
  return value
}
