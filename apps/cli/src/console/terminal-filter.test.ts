import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TerminalFilter } from './terminal-filter.ts'

function filtered(...pieces: readonly (string | Uint8Array)[]): string {
  const filter = new TerminalFilter()
  return pieces.map((piece) => filter.push(typeof piece === 'string' ? Buffer.from(piece) : piece)).join('')
}

/** Bytes in which parts of control sequences are frequent. */
const hostileBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom(
          ...['\x1b', '\x1b[', '\x1b]0;', '\x1bP', '\x1b\\', '\x07', '\x18', '\x9b', '\x9d', '\x9c', '\u202e'],
          ...['1', ';', '?', '>', '25', '1049', '4', 'h', 'l', 'm', 'r', 'n', 'c', 't', 'H', '(', '0', 'B', '$', ' '],
        )
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts))

/** Written down a second time, independent of the filter: all that a terminal may ever be sent. */
const safeOutput = new RegExp(
  `^(?:[\n\r\t\b]|[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]|\x1b(?:${[
    '[78DEM=>]',
    '\\([0B]',
    '\\[[\\d;:]*[@A-HJ-MPSTX`adefmrsu]',
    '\\[4[hl]',
    '\\[\\?(?:1|7|12|25|12;25|47|1047|1048|1049)[hl]',
  ].join('|')}))*$`,
  'u',
)

describe('TerminalFilter', () => {
  it.each([
    ['a line of a shell', 'user@work:~$ ls -l\r\n\ttotal 0\b\r\n'],
    ['text beyond ASCII', 'ünïcode 日本 ░▒▓ 🙂\n'],
    ['colours and styles', '\x1b[1;38;5;208mwarm\x1b[0m \x1b[4:3mwavy\x1b[m'],
    ['the cursor and erasing', '\x1b[H\x1b[2J\x1b[10;20H\x1b[K\x1b[3A\x1b7\x1b8\x1b[s\x1b[u\x1b[5@\x1b[2P\x1b[L\x1bM'],
    ['the screen of an editor', '\x1b[?1049h\x1b[?1h\x1b=\x1b[1;24r\x1b[?25l\x1b[?12;25h\x1b[?1l\x1b>\x1b[?1049l'],
    ['line drawing', '\x1b(0lqk\x1b(B'],
  ])('lets %s pass as it is', (_, text) => {
    expect(filtered(text)).toBe(text)
  })

  it.each([
    ['a title', 'a\x1b]0;evil\x07b', 'ab'],
    ['the clipboard', 'a\x1b]52;c;ZXZpbA==\x1b\\b', 'ab'],
    ['a link', '\x1b]8;;http://evil.example/\x1b\\text\x1b]8;;\x1b\\', 'text'],
    ['a device control string', 'a\x1bP+q544e\x1b\\b', 'ab'],
    [
      'an application command, a private message, a start of string',
      'a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d',
      'abcd',
    ],
    ['a string whose end is cancelled', 'a\x1b]0;evil\x18b', 'ab'],
    ['questions to the terminal', 'a\x1b[6n\x1b[c\x1b[>c\x1b[=c\x1b[?6n\x1b[5n\x1bZ\x1b[x\x1b[>qb', 'ab'],
    ['orders to the window', 'a\x1b[8;1;1t\x1b[21tb', 'ab'],
    ['modes of mouse, keys and pasting', 'a\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[>4;2m\x1b[>1ub', 'ab'],
    ['a mixture of modes that are allowed and that are not', 'a\x1b[?25;1000hb', 'ab'],
    ['a reset of the terminal, its keys, other character sets', 'a\x1bc\x1b[!p\x1b[4$|\x1b)0\x1b%@\x0e\x0fb', 'ab'],
    ['a number that would take the terminal long', 'a\x1b[99999999Lb\x1b[9999999bc', 'abc'],
    ['bells, vertical tabs, form feeds, DEL', 'a\x07\x0b\x0c\x7f\0b', 'ab'],
    ['controls of eight bits', 'a\u009b31mb\u009d0;c', 'a\ufffd31mb\ufffd0;c'],
    ['what reorders or hides text', 'a\u202eb\u200bc\u2028d', 'a\ufffdb\ufffdc\ufffdd'],
    ['an escape in the middle of an escape', 'a\x1b[3\x1b[1mb\x1b\x1b[0mc', 'a\x1b[1mb\x1b[0mc'],
  ])('drops %s', (_, text, expected) => {
    expect(filtered(text)).toBe(expected)
  })

  it('replaces bytes that are no UTF-8', () => {
    expect(filtered(Uint8Array.of(0x61, 0x9b, 0x33, 0x31, 0x6d, 0xff, 0x62))).toBe('a\ufffd31m\ufffdb')
  })

  it('shows text again after a string that does not end', () => {
    expect(filtered(`\x1b]0;${'x'.repeat(1 << 17)}`, 'seen\n')).toMatch(/^x+seen\n$/)
  })

  it('puts the terminal back into its usual state, as far as the console changed it', () => {
    const filter = new TerminalFilter()
    filter.push(Buffer.from('plain'))
    expect(filter.end()).toBe('')
    const editor = new TerminalFilter()
    editor.push(Buffer.from('\x1b[31m\x1b[?25l\x1b[?1049h\x1b[1'))
    expect(editor.end()).toBe('\x1b[0m\x1b[?25h\x1b[?1049l')
  })

  it('sends nothing but what is safe, whatever the guest sends', () => {
    fc.assert(
      fc.property(hostileBytes, (bytes) => {
        const filter = new TerminalFilter()
        expect(filter.push(bytes) + filter.end()).toMatch(safeOutput)
      }),
      { numRuns: 5000 },
    )
  })

  it('does not depend on how the output is cut', () => {
    fc.assert(
      fc.property(hostileBytes, fc.array(fc.nat(200)), (bytes, cuts) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length]
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
        const [cut, whole] = [new TerminalFilter(), new TerminalFilter()]
        const inPieces = pieces.map((piece) => cut.push(piece)).join('') + cut.end()
        expect(inPieces).toBe(whole.push(bytes) + whole.end())
      }),
      { numRuns: 5000 },
    )
  })

  it('changes nothing in what it let pass before', () => {
    fc.assert(fc.property(hostileBytes, (bytes) => filtered(filtered(bytes)) === filtered(bytes)))
  })
})
