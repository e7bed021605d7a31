/** True for four decimal numbers up to 255 without leading zeros, joined by dots. */
export function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

/** How many 16-bit groups a part of an IPv6 address holds, or undefined; the last group may be an IPv4 address. */
function groupsIn(text: string, last: boolean): number | undefined {
  if (text === '') return 0
  const groups = text.split(':')
  const tail = groups.at(-1) ?? ''
  const embedded = last && tail.includes('.')
  const plain = embedded ? groups.slice(0, -1) : groups
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) || (embedded && !isIPv4(tail))) return undefined
  return plain.length + (embedded ? 2 : 0)
}

/** True for an IPv6 address in any of its spellings (RFC 4291, 2.2), without a zone. */
export function isIPv6(text: string): boolean {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return false
  const before = groupsIn(head, tail === undefined)
  const after = tail === undefined ? 0 : groupsIn(tail, true)
  if (before === undefined || after === undefined) return false
  return tail === undefined ? before === 8 : before + after < 8
}
