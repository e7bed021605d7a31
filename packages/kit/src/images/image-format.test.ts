import { describe, expect, it } from 'vitest'
import { imageFormats, imageHeadLength, imageTailLength, recogniseImage } from './image-format.ts'

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function imageWith(at: number, text: string): Uint8Array {
  const image = new Uint8Array(imageHeadLength + imageTailLength)
  image.set(bytes(text), at < 0 ? image.length + at : at)
  return image
}

describe('recogniseImage', () => {
  const signatures = imageFormats.flatMap((format) => format.signatures.map((one) => ({ ...one, format })))

  it.each(signatures)('finds $format.what by its bytes at $at', ({ at, bytes: text, format }) => {
    const image = imageWith(at, text)
    expect(recogniseImage(image.subarray(0, imageHeadLength), image.subarray(-imageTailLength))).toBe(format)
    // Cut off within the signature it is another file.
    if (at >= 0) expect(recogniseImage(image.subarray(0, at + text.length - 1))).not.toBe(format)
  })

  it('takes a disk with a boot sector, an empty file and zeroes for raw', () => {
    expect(recogniseImage(new Uint8Array())).toBeUndefined()
    expect(recogniseImage(new Uint8Array(1 << 20), new Uint8Array(512))).toBeUndefined()
    expect(recogniseImage(imageWith(510, '\x55\xaa'), new Uint8Array(512))).toBeUndefined()
  })

  it('takes an ISO image for raw when it has a boot sector, as a disk boots it', () => {
    const iso = imageWith(0x8001, 'CD001')
    expect(recogniseImage(iso)?.name).toBe('iso9660')
    iso.set([0x55, 0xaa], 510)
    expect(recogniseImage(iso)).toBeUndefined()
  })

  it('tells how each format is converted', () => {
    for (const { what, advice } of imageFormats)
      expect(advice, what).toMatch(/^(convert|decrypt|unpack|apply|install|download) .{15,}/)
  })
})
