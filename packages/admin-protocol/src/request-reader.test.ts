import { CloisterError, concatBytes, QubesValueError, QubesVMInvalidUUIDError, utf8, utf8Text } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FramingError } from './errors.ts'
import { encodeRequestHeader } from './request-header.ts'
import { RequestReader } from './request-reader.ts'
import { parseDomainReference } from './values/domain-name.ts'

const text = (bytes: Uint8Array): string => utf8Text(bytes) ?? 'not UTF-8'

function read(...chunks: (string | Uint8Array)[]) {
  const reader = new RequestReader()
  for (const chunk of chunks) reader.push(typeof chunk === 'string' ? utf8(chunk) : chunk)
  const { header, payload } = reader.finish()
  return {
    method: header.method,
    argument: header.argument.parse(text),
    source: header.source.parse((name) => name),
    destination: header.destination.parse((name) => name),
    payload: payload.parse(text),
  }
}

describe('a request', () => {
  it.each([
    ['admin.label.Get+red dom0 name dom0\0', 'admin.label.Get', 'red', 'dom0', ''],
    ['admin.label.List dom0 keyword adminvm\0', 'admin.label.List', '', 'dom0', ''],
    ['admin.vm.feature.Set+f1 dom0 name work\0v1', 'admin.vm.feature.Set', 'f1', 'work', 'v1'],
    ['admin.vm.tag.Set+a+b dom0 name work\0', 'admin.vm.tag.Set', 'a+b', 'work', ''],
    ['admin.label.List+ dom0 name dom0 extra\0', 'admin.label.List', '', 'dom0 extra', ''],
    ['admin.label.List+ dom0 name \0', 'admin.label.List', '', '', ''],
    ['+ dom0 name dom0\0', '', '', 'dom0', ''],
    ['m dom0 name work\0a\0b c\n', 'm', '', 'work', 'a\0b c\n'],
  ])('%j is taken apart', (bytes, method, argument, destination, payload) => {
    expect(read(bytes)).toEqual({ method, argument, source: 'dom0', destination, payload })
  })

  it.each([
    'admin.label.List+ dom0 name dom0',
    'admin.label.List+ dom0 dom0\0',
    'admin.label.List+\0',
    '\0',
    '',
    'admin.label.Index+red dom0 keyword dispvm\0',
    'admin.label.Index+red dom0 Name dom0\0',
    'admin.láb dom0 name dom0\0',
  ])('%j is a framing error', (bytes) => {
    expect(() => read(bytes)).toThrow(FramingError)
  })

  it('is the same however it is cut', () => {
    const whole = utf8('admin.vm.feature.Set+f1 dom0 name work\0v1\0x')
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
        const ends = [...cuts.toSorted((a, b) => a - b), whole.length]
        const chunks = ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end))
        expect(read(...chunks)).toEqual(read(whole))
      }),
    )
  })

  it('tells its header before it ends', () => {
    const reader = new RequestReader()
    reader.push(utf8('mgmt.vm.volume.Import+root dom0 name work'))
    expect(reader.header).toBeUndefined()
    reader.push(utf8('\0da'))
    expect(reader.header?.method).toBe('mgmt.vm.volume.Import')
    expect(reader.take().parse(text)).toBe('da')
    reader.push(new Uint8Array(100_000))
    expect(reader.take().parse((bytes) => bytes.length)).toBe(100_000)
    expect(reader.finish().payload.parse((bytes) => bytes.length)).toBe(0)
  })
})

describe('the limit of a request', () => {
  const header = utf8('admin.vm.feature.Set+big dom0 name work\0')
  const ofSize = (head: Uint8Array, size: number): Uint8Array =>
    concatBytes([head, new Uint8Array(size - head.length).fill(0x78)])

  it('is 65536 bytes, header and NUL counted', () => {
    expect(read(ofSize(header, 65_536)).payload).toHaveLength(65_536 - header.length)
    expect(() => read(ofSize(header, 65_537))).toThrow(FramingError)
  })

  it('strikes with the first byte too many', () => {
    const reader = new RequestReader()
    reader.push(ofSize(header, 65_536))
    expect(() => reader.push(new Uint8Array(1))).toThrow(FramingError)
  })

  it('holds for a header that never ends', () => {
    const reader = new RequestReader()
    reader.push(new Uint8Array(65_536).fill(0x61))
    expect(() => reader.push(new Uint8Array(1).fill(0x61))).toThrow(FramingError)
  })

  it('is larger where the call says so, but not for the header', () => {
    const notes = utf8('admin.vm.notes.Set+ dom0 name work\0')
    expect(read(ofSize(notes, notes.length + 256_000)).payload).toHaveLength(256_000)
    expect(() => read(ofSize(notes, 300_000))).toThrow(FramingError)
    const long = utf8(`admin.vm.notes.Set+${'x'.repeat(65_536)} dom0 name work\0`)
    expect(() => read(long)).toThrow(FramingError)
  })
})

describe('any bytes', () => {
  it('are a request or a framing error', () => {
    const pieces = fc.constantFrom('admin.vm.List', '+', ' ', 'dom0', 'name', 'keyword', 'adminvm', '\0', 'ż')
    const almost = fc.array(pieces).map((parts) => utf8(parts.join('')))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), almost), (bytes) => {
        try {
          read(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError)
        }
      }),
    )
  })
})

describe('encodeRequestHeader', () => {
  it('writes what the reference client writes', () => {
    const dom0 = { name: 'dom0' }
    const header = { method: 'admin.label.Get', argument: utf8('red'), source: dom0, destination: dom0 }
    expect(text(encodeRequestHeader(header))).toBe('admin.label.Get+red dom0 name dom0\0')
  })

  it('refuses an argument that no request can carry', () => {
    const header = { method: 'm', source: { name: 'dom0' }, destination: { name: 'dom0' } }
    for (const argument of ['a b', 'a\0b']) {
      expect(() => encodeRequestHeader({ ...header, argument: utf8(argument) })).toThrow(FramingError)
    }
  })
})

describe('parseDomainReference', () => {
  const uuid = '00000000-0000-0000-0000-000000000000'

  it('reads names and UUIDs', () => {
    expect(parseDomainReference('sys-net')).toEqual({ name: 'sys-net' })
    expect(parseDomainReference(`uuid:${uuid}`)).toEqual({ uuid })
  })

  it.each([
    '9foo',
    '-a',
    '_x',
    'a/b',
    'a@b',
    'none',
    'default',
    'Domain-0',
    'x-dm',
    'a'.repeat(32),
    '',
    'dom0 extra',
    'ż',
  ])('%j is no name', (name) => {
    expect(() => parseDomainReference(name)).toThrow(QubesValueError)
  })

  it.each(['', 'zz', 'ABCDEF00-0000-0000-0000-000000000000', '0'.repeat(32), `${uuid.slice(0, -1)}g`, `${uuid}\n`])(
    '"uuid:%s" is no UUID',
    (id) => {
      expect(() => parseDomainReference(`uuid:${id}`)).toThrow(QubesVMInvalidUUIDError)
    },
  )

  it('throws nothing but our errors', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        try {
          parseDomainReference(name)
        } catch (error) {
          expect(error).toBeInstanceOf(CloisterError)
        }
      }),
    )
  })
})
