import { describe, expect, it } from 'vitest'
import { parseUri } from '../../uri.ts'
import { Places } from './places.ts'
import { readSettings } from './qemu-settings.ts'

describe('readSettings', () => {
  it('reads what a URI says', () => {
    expect(readSettings(parseUri('qemu:///embed?root=/var/lib/x/'))).toEqual({
      root: '/var/lib/x',
      uidBase: 1_879_048_192,
      accelerator: 'auto',
    })
    expect(readSettings(parseUri('qemu:///embed?root=/x&uidbase=200000&accel=tcg'))).toEqual({
      root: '/x',
      uidBase: 200_000,
      accelerator: 'tcg',
    })
  })

  it.each([
    'qemu:///system',
    'qemu:///embed',
    'qemu:///embed?root=relative',
    'qemu:///embed?root=/a/../b',
    'qemu:///embed?root=/',
    'qemu:///embed?root=/x&uidbase=0',
    'qemu:///embed?root=/x&uidbase=4294967295',
    'qemu:///embed?root=/x&uidbase=1e5',
    'qemu:///embed?root=/x&accel=hax',
    'qemu:///embed?root=/x&other=1',
    'qemu:///embed?root=/x#y',
  ])('refuses %s', (uri) => {
    expect(() => readSettings(parseUri(uri))).toThrow(expect.objectContaining({ kind: 'INVALID_ARG' }))
  })
})

describe('Places', () => {
  it('has room for every socket, or says what is too long', () => {
    const places = new Places(`/${'x'.repeat(69)}`)
    const uuid = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
    expect(Buffer.byteLength(`${places.runFolder(uuid)}/channel29`)).toBeLessThanOrEqual(107)
    expect(() => new Places(`/${'x'.repeat(70)}`)).toThrow('1 bytes too long')
  })

  it('has a folder of its own for every uuid', () => {
    const places = new Places('/x')
    expect(places.runFolder('00000000-0000-0000-0000-000000000001')).not.toBe(
      places.runFolder('10000000-0000-0000-0000-000000000000'),
    )
  })
})
