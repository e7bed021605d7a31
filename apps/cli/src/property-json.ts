import type { PropertyType, TypedValue } from '@cloister/admin-protocol'
import { parseBoolean, parseInteger } from '@cloister/kit'
import type { Json } from './json.ts'

/** Empty text of these types says that there is no value. */
const noneable: ReadonlySet<PropertyType> = new Set(['vm', 'int', 'bool', 'label'])

/** The value of a property for programs. */
export function propertyJson({ type, value }: TypedValue): Json {
  if (value === '' && noneable.has(type)) return null
  if (type === 'bool') return parseBoolean(value) ?? value
  if (type === 'int') return parseInteger(value) ?? value
  return value
}
