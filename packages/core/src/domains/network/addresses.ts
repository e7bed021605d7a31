import { msg, QubesValueError } from '@cloister/kit'

/** Number of a domain in its address range: the qid of an ordinary domain, the dispid of a disposable. */
export interface AddressNumber {
  readonly range: 'domain' | 'disposable'
  readonly number: number
}

const ranges = {
  domain: { prefix: '10.137', prefix6: 'fd09:24ef:4179::a89' },
  disposable: { prefix: '10.138', prefix6: 'fd09:24ef:4179::a8a' },
} as const

/** IPv4 address of a number (reference: storage-and-lifecycle, B.7.3). */
export function numberedAddress({ range, number }: AddressNumber): string {
  const { prefix } = ranges[range]
  if (number < 255) return `${prefix}.0.${number}`
  const rest = number - 1
  return `${prefix}.${Math.floor(rest / 254)}.${(rest % 254) + 1}`
}

/** IPv6 address of a number. */
export function numberedAddress6({ range, number }: AddressNumber): string {
  return `${ranges[range].prefix6}:${number.toString(16)}`
}

/** Four decimal parts without leading zeros. @throws QubesValueError */
export function parseIPv4(text: string): string {
  const parts = text.split('.')
  const fine = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  if (!fine) throw new QubesValueError(msg`${JSON.stringify(text)} is not an IPv4 address`)
  return text
}

/** An IPv6 address in its shortest form. @throws QubesValueError */
export function parseIPv6(text: string): string {
  const halves = text.split('::')
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const all = groups.flat()
  const fine =
    halves.length <= 2 &&
    all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) &&
    (halves.length === 2 ? all.length < 8 : all.length === 8)
  if (!fine) throw new QubesValueError(msg`${JSON.stringify(text)} is not an IPv6 address`)
  const [before = [], after = []] = groups
  const full = [...before, ...Array<string>(8 - all.length).fill('0'), ...after]
  return shortest(full.map((group) => Number.parseInt(group, 16)))
}

/** Groups as text, the longest run of zeroes as `::` (RFC 5952). */
function shortest(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':')
  let longest: RegExpExecArray | undefined
  for (const run of text.matchAll(/\b0(?::0)+\b/g)) if (!longest || run[0].length > longest[0].length) longest = run
  if (!longest) return text
  const before = text.slice(0, longest.index).replace(/:$/, '')
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${after}`
}
