const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const letters = 'KMGTP'

/** A number of bytes with a unit: `1.5 GiB`. */
export function formatSize(bytes: bigint | number): string {
  let value = Number(bytes)
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`
}

/** Reads a size such as `512`, `10G`, `1.5GiB`, with units of 1024; undefined for any other text. */
export function parseSize(text: string): bigint | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,3}))?\s*(?:([KMGTP])(?:i?B)?|B)?$/i.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', letter = ''] = match
  const factor = letter === '' ? 1n : 1024n ** BigInt(letters.indexOf(letter.toUpperCase()) + 1)
  const thousandths = BigInt(whole) * 1000n + BigInt(fraction.padEnd(3, '0') || '0')
  const bytes = thousandths * factor
  return bytes % 1000n === 0n || factor > 1n ? bytes / 1000n : undefined
}

/** The form that `parseSize` reads, for messages. */
export const sizeWanted = 'a size like 512M or 10G'

/** A number of seconds as minutes and seconds: `1:05`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const tail = String(whole % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}

/** Reads a number of seconds, with fractions; undefined for any other text, and from 10,000,000 s on. */
export function parseSeconds(text: string): number | undefined {
  return /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : undefined
}
