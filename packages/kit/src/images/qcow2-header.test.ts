import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CloisterError } from '../errors/cloister-error.ts'
import { Qcow2HeaderError, readQcow2Header } from './qcow2-header.ts'

/** The header of a version 3 image of 1 GiB without tables. */
function header(change: (header: Buffer) => void = () => {}, length = 1024): Buffer {
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32BE(0x514649fb, 0)
  bytes.writeUInt32BE(3, 4)
  bytes.writeUInt32BE(16, 20)
  bytes.writeBigUInt64BE(1n << 30n, 24)
  bytes.writeUInt32BE(104, 100)
  change(bytes)
  return bytes
}

const setBacking = (at: bigint, length: number) => (bytes: Buffer) => {
  bytes.writeBigUInt64BE(at, 8)
  bytes.writeUInt32BE(length, 16)
}

describe('readQcow2Header', () => {
  it('reads a header of each version', () => {
    expect(readQcow2Header(header())).toEqual({
      version: 3,
      clusterSize: 65_536,
      virtualSize: 1n << 30n,
      encrypted: false,
      backingFile: undefined,
      externalData: false,
      corrupt: false,
      snapshots: 0,
    })
    expect(readQcow2Header(header((bytes) => bytes.writeUInt32BE(2, 4)).subarray(0, 72)).version).toBe(2)
  })

  it('tells what a caller may refuse', () => {
    const backed = header((bytes) => {
      setBacking(512n, 11)(bytes)
      bytes.write('/etc/shadow', 512)
    })
    expect(readQcow2Header(backed).backingFile).toBe('/etc/shadow')
    expect(readQcow2Header(header((bytes) => bytes.writeUInt32BE(1, 32))).encrypted).toBe(true)
    expect(readQcow2Header(header((bytes) => bytes.writeBigUInt64BE(4n, 72))).externalData).toBe(true)
    expect(readQcow2Header(header((bytes) => bytes.writeBigUInt64BE(2n, 72))).corrupt).toBe(true)
    expect(readQcow2Header(header((bytes) => bytes.writeUInt32BE(7, 60))).snapshots).toBe(7)
  })

  it('finds the name of a data file among the header extensions', () => {
    const image = header((bytes) => {
      bytes.writeUInt32BE(0x6803f857, 104)
      bytes.writeUInt32BE(5, 108)
      bytes.writeUInt32BE(0x44415441, 120)
      bytes.writeUInt32BE(8, 124)
    })
    expect(readQcow2Header(image).externalData).toBe(true)
  })

  it.each<[string, (bytes: Buffer) => void]>([
    ['another magic', (bytes) => bytes.writeUInt32BE(0, 0)],
    ['version 1', (bytes) => bytes.writeUInt32BE(1, 4)],
    ['version 4', (bytes) => bytes.writeUInt32BE(4, 4)],
    ['clusters of 256 bytes', (bytes) => bytes.writeUInt32BE(8, 20)],
    ['clusters of 4 MiB', (bytes) => bytes.writeUInt32BE(22, 20)],
    ['an unknown feature', (bytes) => bytes.writeBigUInt64BE(32n, 72)],
    ['a header that is too short', (bytes) => bytes.writeUInt32BE(96, 100)],
    ['a header that is longer than the file', (bytes) => bytes.writeUInt32BE(2048, 100)],
    ['a header whose length is odd', (bytes) => bytes.writeUInt32BE(105, 100)],
    ['a huge L1 table', (bytes) => bytes.writeUInt32BE(0xffffffff, 36)],
    ['an L1 table between clusters', (bytes) => bytes.writeBigUInt64BE(65_537n, 40)],
    ['a huge refcount table', (bytes) => bytes.writeUInt32BE(0xffffffff, 56)],
    ['a refcount table between clusters', (bytes) => bytes.writeBigUInt64BE(8n, 48)],
    ['too many snapshots', (bytes) => bytes.writeUInt32BE(0xffffffff, 60)],
    ['a backing file whose name is beyond the header', setBacking(1n << 40n, 4)],
    ['a backing file whose name is empty', setBacking(512n, 0)],
    ['a backing file whose name is too long', setBacking(512n, 1024)],
    ['an extension that reaches beyond the header', (bytes) => bytes.writeUInt32BE(0xffffffff, 108)],
  ])('refuses %s', (what, change) => {
    const image = header((bytes) => {
      if (what.startsWith('an extension')) bytes.writeUInt32BE(1, 104)
      change(bytes)
    })
    expect(() => readQcow2Header(image)).toThrow(Qcow2HeaderError)
  })

  it('refuses each header that is cut off', () => {
    for (let length = 0; length < 104; length++)
      expect(() => readQcow2Header(header().subarray(0, length)), String(length)).toThrow(Qcow2HeaderError)
  })

  it('reads or refuses, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(200), (noise, at) => {
        try {
          readQcow2Header(header((bytes) => bytes.set(noise, at)))
        } catch (error) {
          expect(error).toBeInstanceOf(CloisterError)
        }
      }),
    )
  })
})
