import { imageHeadLength, qcow2Format } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { checked, refuseOtherFormats } from './image-check.ts'

const check = { name: 'x.img', override: '--raw' }

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

async function collected(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const seen: Uint8Array[] = []
  for await (const piece of stream) seen.push(piece)
  return Buffer.concat(seen)
}

describe('what an image looks like', () => {
  it.each([
    ['QFI\xfb\0\0\0\x03', 'a qcow2 image'],
    ['vhdxfile', 'a VHDX image'],
    ['\x1f\x8b\x08', 'compressed by gzip'],
    [`${'\0'.repeat(257)}ustar`, 'a tar archive'],
  ])('%j is refused', (beginning, what) => {
    expect(() => refuseOtherFormats(check, bytes(beginning))).toThrow(`x.img is ${what}, not a raw image`)
  })

  it('does not matter when it is raw, or accepted', () => {
    refuseOtherFormats(check, bytes('\xeb\x63\x90 boot sector'))
    refuseOtherFormats(check, new Uint8Array())
    refuseOtherFormats({ ...check, accepted: qcow2Format }, bytes('QFI\xfb'))
  })

  it('is told with the command that converts it and the option that takes it as it is', () => {
    const refuse = (): void => refuseOtherFormats(check, bytes('vhdxfile'))
    expect(refuse).toThrow(
      expect.objectContaining({
        hint: 'convert it with `qemu-img convert -f vhdx -O qcow2 in.vhdx out.qcow2`; --raw takes it as it is',
      }),
    )
  })

  it('is found in whatever pieces it comes, and nothing is lost', async () => {
    const single = Array.from(bytes('vhdxfile'), (byte) => Uint8Array.of(byte))
    await expect(collected(checked(check, pieces(...single)))).rejects.toThrow('a VHDX image')
    const raw = [bytes('raw'), bytes('\x1f\x8b\x08'), new Uint8Array(imageHeadLength), bytes('\x1f\x8b\x08')]
    expect((await collected(checked(check, pieces(...raw)))).equals(Buffer.concat(raw))).toBe(true)
    expect((await collected(checked(check, pieces(bytes('short'))))).toString()).toBe('short')
  })
})
