import { msg } from '@cloister/kit'
import { parseUuid } from '../uuid.ts'
import type { ElementReader } from './element-reader.ts'

// Values of domain XML. Each reader takes the element for its errors.

/** Longest path, bytes, as Linux has it. */
const maxPath = 4095

const powers = ['', 'k', 'm', 'g', 't', 'p', 'e']

/** Bytes in a unit such as `KB` (1000), `KiB` or `k` (1024), in any case (reference: libvirt, 8.4), or undefined. */
export function unitBytes(unit: string): bigint | undefined {
  if (/^(b|bytes?)$/i.test(unit)) return 1n
  const [, power, base] = /^([kmgtpe])(i?b)?$/i.exec(unit) ?? []
  if (power === undefined) return undefined
  return (base?.toLowerCase() === 'b' ? 1000n : 1024n) ** BigInt(powers.indexOf(power.toLowerCase()))
}

/** `<memory unit='…'>` and the like: KiB, rounded up. @throws LibvirtError XML_ERROR */
export function readMemory(element: ElementReader): number {
  const unit = element.attribute('unit') ?? 'KiB'
  const scale = unitBytes(unit) ?? element.malformed(msg`'${unit}' is not a unit of memory`)
  const kib = Number((BigInt(readCount(element)) * scale + 1023n) / 1024n)
  return Number.isSafeInteger(kib) ? kib : element.malformed(msg`the number is too large`)
}

/** A whole number above 0. @throws LibvirtError XML_ERROR */
export function readCount(element: ElementReader): number {
  const text = element.content()
  const value = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : 0
  return value > 0 && Number.isSafeInteger(value) ? value : element.malformed(msg`'${text}' is not a number above 0`)
}

/** @throws LibvirtError XML_ERROR */
export function readUuid(element: ElementReader): string {
  const text = element.content()
  return parseUuid(text) ?? element.malformed(msg`'${text}' is not a uuid`)
}

/**
 * A name of a domain: 1 to 255 letters, digits, `-`, `_`, and `.` but not first. Libvirt takes more
 * names; those are refused because they could not be names of files, or would be mistaken for a path or an option.
 * @throws LibvirtError XML_ERROR
 */
export function readName(element: ElementReader): string {
  return matching(element, element.content(), /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/, 'a name of a domain')
}

/** One line of text, without control characters. @throws LibvirtError XML_ERROR */
export function readLine(element: ElementReader): string {
  return printable(element, element.content(), /\p{Cc}/u)
}

/** Text of one or more lines, without other control characters. @throws LibvirtError XML_ERROR */
export function readText(element: ElementReader): string {
  return printable(element, element.content(), /(?![\n\t])\p{Cc}/u)
}

/** An absolute path in an element. @throws LibvirtError XML_ERROR */
export function readPath(element: ElementReader): string {
  return absolutePath(element, element.content())
}

/** @throws LibvirtError XML_ERROR */
export function absolutePath(element: ElementReader, path: string, most: number = maxPath): string {
  if (!path.startsWith('/')) element.malformed(msg`'${path}' is not an absolute path`)
  if (new TextEncoder().encode(path).length > most) element.malformed(msg`the path is longer than ${most} bytes`)
  return printable(element, path, /\p{Cc}/u)
}

/** A value of a form. @throws LibvirtError XML_ERROR */
export function matching(element: ElementReader, value: string, form: RegExp, what: string): string {
  return form.test(value) ? value : element.malformed(msg`'${value}' is not ${what}`)
}

function printable(element: ElementReader, value: string, forbidden: RegExp): string {
  return forbidden.test(value) ? element.malformed(msg`the text holds a control character`) : value
}

/** The first value that stands twice in a list, or undefined. */
export function firstDouble(values: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return values.find((value) => seen.size === seen.add(value).size)
}
