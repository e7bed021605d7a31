import { describe, expect, it } from 'vitest'
import { checked, qcow2, refuseOtherFormats } from './image-check.ts'

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

describe('what an image looks like', () => {
  it.each([
    ['QFI\xfb\0\0\0\x03', 'a qcow2 image'],
    ['\x1f\x8b\x08', 'compressed by gzip'],
    ['\xfd7zXZ\0', 'compressed by xz'],
    ['\x28\xb5\x2f\xfd', 'compressed by zstd'],
    [`${'\0'.repeat(257)}ustar`, 'a tar archive'],
  ])('%j is refused', (beginning, what) => {
    expect(() => refuseOtherFormats('x.img', bytes(beginning))).toThrow(`x.img is ${what}, not a raw image`)
  })

  it('does not matter when it is raw, or accepted', () => {
    refuseOtherFormats('x.img', bytes('\xeb\x63\x90 boot sector'))
    refuseOtherFormats('x.img', new Uint8Array())
    refuseOtherFormats('x.img', bytes('QFI\xfb'), [qcow2])
  })

  it('is looked at in the first piece only, and nothing is lost', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield bytes('raw')
      yield bytes('\x1f\x8b')
    }
    const seen: Uint8Array[] = []
    for await (const piece of checked('x.img', pieces())) seen.push(piece)
    expect(Buffer.concat(seen).toString('latin1')).toBe('raw\x1f\x8b')
  })
})
