/** A uuid in lower case with dashes, from 32 hex digits with or without dashes (reference: libvirt, 1), or undefined. */
export function parseUuid(text: string): string | undefined {
  const match = /^([0-9a-f]{8})(-?)([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{12})$/.exec(
    text.toLowerCase(),
  )
  return match ? [match[1], match[3], match[4], match[5], match[6]].join('-') : undefined
}

/** A new random uuid (RFC 9562, version 4). */
export function randomUuid(random: (count: number) => Uint8Array): string {
  const bytes = random(16)
  const hex = Array.from(bytes, (byte, at) => {
    if (at === 6) return (byte & 0x0f) | 0x40
    return at === 8 ? (byte & 0x3f) | 0x80 : byte
  }).map((byte) => byte.toString(16).padStart(2, '0'))
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
