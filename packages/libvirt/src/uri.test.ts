import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LibvirtError } from './error.ts'
import { formatUri, type LibvirtUri, parseUri, transports } from './uri.ts'

const none: LibvirtUri['parameters'] = new Map()

function refusal(text: string): string {
  try {
    parseUri(text)
  } catch (error) {
    if (error instanceof LibvirtError && error.kind === 'INVALID_ARG') return error.str2
    throw error
  }
  return 'accepted'
}

describe('parseUri', () => {
  it.each<[string, LibvirtUri]>([
    ['test:///default', { driver: 'test', path: '/default', parameters: none }],
    ['qemu:///embed?root=/a/b', { driver: 'qemu', path: '/embed', parameters: new Map([['root', '/a/b']]) }],
    ['lxc:///', { driver: 'lxc', path: '/', parameters: none }],
    ['remote://h', { driver: 'remote', transport: 'tls', host: 'h', path: '', parameters: none }],
    [
      'QEMU+SSH://root@h.example.org:2222/system?Keyfile=a%20b&no_verify=1',
      {
        driver: 'qemu',
        transport: 'ssh',
        user: 'root',
        host: 'h.example.org',
        port: 2222,
        path: '/system',
        parameters: new Map([
          ['keyfile', 'a b'],
          ['no_verify', '1'],
        ]),
      },
    ],
    [
      'test+unix:///default?socket=/x',
      { driver: 'test', transport: 'unix', path: '/default', parameters: new Map([['socket', '/x']]) },
    ],
    [
      'qemu+tcp://[fe80::1%25eth0]:16509/system#there',
      {
        driver: 'qemu',
        transport: 'tcp',
        host: 'fe80::1%eth0',
        port: 16509,
        path: '/system',
        parameters: none,
        fragment: 'there',
      },
    ],
    [
      'esx://h/?a=&b',
      {
        driver: 'esx',
        transport: 'tls',
        host: 'h',
        path: '/',
        parameters: new Map([
          ['a', ''],
          ['b', ''],
        ]),
      },
    ],
  ])('reads %s', (text, uri) => {
    expect(parseUri(text)).toEqual(uri)
  })

  it('refuses a host behind a unix socket', () => {
    expect(refusal('qemu+unix://h/system')).toBe("using unix socket and remote server 'h' is not supported.")
  })

  it.each([
    '',
    'test',
    'test:/default',
    '/default',
    '+unix:///x',
    'test+:///x',
    'test+pigeon:///x',
    'qemu+ssh://h:0/system',
    'qemu+ssh://h:65536/system',
    'qemu+ssh://h:/system',
    'qemu+ssh://h:1:2/system',
    'qemu+ssh://user@/system',
    'qemu+ssh://:22/system',
    'qemu+ssh://a@b@c/system',
    'qemu+ssh://h%20x/system',
    'qemu+ssh://h;x/system',
    'qemu+ssh://[::1/system',
    'test:///a b',
    'test:///ä',
    'test:///a\n',
    'test:///%',
    'test:///%ff',
    'test:///%00',
    'test:///x?a=%0a',
    'test:///x?=1',
    'test:///x?a=1&A=2',
    `test:///${'x'.repeat(5000)}`,
  ])('refuses %j', (text) => {
    expect(refusal(text)).toMatch(/^cannot read the URI /)
    expect(refusal(text).length).toBeLessThan(400)
  })

  it('reads back what formatUri writes', () => {
    const piece = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !/\p{Cc}/u.test(text))
    const host = fc.oneof(fc.stringMatching(/^[a-z0-9._-]{1,20}$/), fc.ipV6(), fc.ipV4())
    const place = fc.record({
      user: fc.option(piece, { nil: undefined }),
      host,
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    })
    const uri = fc
      .record({
        driver: fc.stringMatching(/^[a-z][a-z0-9.-]{0,10}$/),
        transport: fc.constantFrom(...transports.filter((one) => one !== 'unix')),
        place: fc.option(place, { nil: undefined }),
        path: fc.array(piece, { maxLength: 4 }).map((parts) => parts.map((part) => `/${part}`).join('')),
        parameters: fc
          .dictionary(
            piece.map((name) => name.toLowerCase()),
            piece,
          )
          .map((all) => new Map(Object.entries(all))),
        fragment: fc.option(piece, { nil: undefined }),
      })
      .map(({ place: at, ...rest }) =>
        Object.fromEntries(Object.entries({ ...rest, ...at }).filter(([, v]) => v !== undefined)),
      )
    fc.assert(
      fc.property(uri, (one) => {
        expect(parseUri(formatUri(one as unknown as LibvirtUri))).toEqual(one)
      }),
    )
  })

  it('reads or refuses, never anything else', () => {
    const piece = fc.constantFrom(
      'test',
      'qemu',
      '+',
      'ssh',
      'unix',
      '://',
      '/',
      '?',
      '&',
      '=',
      '#',
      '@',
      ':',
      '[',
      ']',
      '%',
      '%41',
      'a',
      '22',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
        ),
        (text) => {
          if (refusal(text) === 'accepted') expect(parseUri(formatUri(parseUri(text)))).toEqual(parseUri(text))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
