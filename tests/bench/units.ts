/** What a figure counts. A ratio is `×`. */
export type Unit = 's' | 'ms' | 'MiB' | '/s' | '×'

/** Figures below this are shown with two decimals, below ten times this with one. */
const small = 10

/** A figure with its unit: three figures or so. */
export function formatValue(value: number, unit: Unit): string {
  const decimals = value < small ? 2 : value < small * 10 ? 1 : 0
  const text = value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return unit === '/s' ? `${text}/s` : `${text} ${unit}`
}
