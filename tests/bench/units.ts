/** The unit of a measurement. A ratio has the unit `×`. */
export type Unit = 's' | 'ms' | 'MiB' | '/s' | '×'

/** Values below this are shown with two decimals, values below ten times this with one. */
const small = 10

/** A measurement with its unit, rounded to about three digits. */
export function formatValue(value: number, unit: Unit): string {
  const decimals = value < small ? 2 : value < small * 10 ? 1 : 0
  const text = value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return unit === '/s' ? `${text}/s` : `${text} ${unit}`
}
