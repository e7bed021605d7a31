/** What undoes a change that the console made to the terminal; '' for sequences that leave nothing to undo. */
type Undo = string

interface AllowedSequence {
  /** The whole sequence after its ESC. */
  readonly pattern: RegExp
  readonly undo: Undo
}

const number = String.raw`\d{0,4}`
const numbers = `${number}(?:;${number}){0,15}`

/** `CSI ? MODE h` and `CSI ? MODE l` of one mode, or of several that are undone alike. */
function mode(modes: string, undo: Undo): AllowedSequence {
  return { pattern: new RegExp(String.raw`^\[\?(?:${modes})[hl]$`), undo }
}

/**
 * The control sequences that a shell, a login and a full-screen editor need (ECMA-48 and the manual of xterm, "ctlseqs").
 * Everything else is dropped: what makes the terminal answer (device queries), what changes its title, its clipboard, its
 * keys or its mouse, and every string that it would interpret (OSC, DCS, APC, PM, SOS).
 */
const allowed: readonly AllowedSequence[] = [
  // Cursor, erase, insert and delete.
  { pattern: new RegExp(String.raw`^\[${numbers}[@A-HJ-MPX\x60adef]$`), undo: '' },
  // Scroll up and down; with more numbers, T would be a mode of the mouse.
  { pattern: new RegExp(String.raw`^\[${number}[ST]$`), undo: '' },
  // Colours and styles (SGR).
  { pattern: new RegExp(String.raw`^\[(?:${number}[;:]){0,31}${number}m$`), undo: '\x1b[0m' },
  // Save and restore the cursor; move and scroll by a line.
  { pattern: /^\[[su]$/, undo: '' },
  { pattern: /^[78DEM]$/, undo: '' },
  // The region that scrolls. Resetting it moves the cursor, which is therefore saved.
  { pattern: new RegExp(String.raw`^\[${number}(?:;${number})?r$`), undo: '\x1b7\x1b[r\x1b8' },
  // Insert mode, keypad mode, line-drawing characters.
  { pattern: /^\[4[hl]$/, undo: '\x1b[4l' },
  { pattern: /^[=>]$/, undo: '\x1b>' },
  { pattern: /^\([0B]$/, undo: '\x1b(B' },
  // Cursor keys, wrapping, the cursor's look, the screen that editors use.
  mode('1', '\x1b[?1l'),
  mode('7', '\x1b[?7h'),
  mode('12|25|12;25', '\x1b[?25h'),
  mode('47|1047|1049', '\x1b[?1049l'),
  mode('1048', ''),
]

const esc = '\x1b'

/** A sequence from its ESC on. Longer ones are dropped. */
const sequence = new RegExp(String.raw`${esc}(?:\[[0-?]{0,64}[ -/]{0,4}[@-~]|[ -/]{0,4}[0-Z\\\x60-~])`, 'y')
/** The beginning of a sequence, of which more may come. */
const beginning = new RegExp(String.raw`${esc}(?:\[[0-?]{0,64}[ -/]{0,4}|[ -/]{0,4})`, 'y')
/** The introducers of OSC, DCS, APC, PM and SOS: a string follows, up to its terminator. */
const stringBeginning = new RegExp(String.raw`${esc}[\]P_^X]`, 'y')
/** BEL, CAN, SUB, ST of eight bits, and the ESC of the next sequence, which is the first half of the other ST. */
const stringEnds = '\x07\x18\x1a\x9c\x1b'
const stringEnd = new RegExp(`[${stringEnds}]`, 'g')
/** Characters of a string that are dropped at most, so that a lost terminator does not silence the console for ever. */
const longestString = 1 << 16

/** Controls, characters that reorder or hide text, halves of characters. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const harmlessControls: ReadonlySet<string> = new Set(['\n', '\r', '\t', '\b'])
const replacement = '\ufffd'

/** Nothing is seen of a control of seven bits where it is dropped; everything else leaves a mark. */
function substitute(character: string): string {
  if (harmlessControls.has(character)) return character
  return character <= '\x7f' ? '' : replacement
}

function plainText(text: string): string {
  return text.replaceAll(unsafe, substitute)
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/**
 * Makes the output of a guest safe for the terminal of the person who reads it: printable UTF-8, line feed, carriage return,
 * tab, backspace, and the control sequences of `allowed`. The result does not depend on how the output is cut into pieces.
 */
export class TerminalFilter {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #undo: Set<Undo> = new Set()
  /** The beginning of a sequence that is not complete yet. */
  #held = ''
  /** Characters of the present string that may still be dropped; 0 outside of strings. */
  #stringLeft = 0

  /** The safe part of the next piece of output. */
  push(bytes: Uint8Array): string {
    return this.#filter(this.#held + this.#decoder.decode(bytes, { stream: true }))
  }

  /** What is left when the output has ended, and the sequences that put the terminal back into its usual state. */
  end(): string {
    const rest = this.#filter(this.#held + this.#decoder.decode())
    return rest + [...this.#undo].join('')
  }

  #filter(text: string): string {
    const safe: string[] = []
    let at = 0
    this.#held = ''
    while (at < text.length) {
      if (this.#stringLeft > 0) at = this.#afterString(text, at)
      else if (text[at] === esc) {
        const read = this.#readSequence(text, at)
        if (read === undefined) break
        safe.push(read.safe)
        at = read.end
      } else {
        const end = text.indexOf(esc, at)
        const plain = end < 0 ? text.slice(at) : text.slice(at, end)
        safe.push(plainText(plain))
        at += plain.length
      }
    }
    return safe.join('')
  }

  /** Reads the sequence at an ESC; undefined, and the rest is held, when its end has not arrived. */
  #readSequence(text: string, at: number): { readonly safe: string; readonly end: number } | undefined {
    const introducer = matchAt(stringBeginning, text, at)
    if (introducer !== undefined) {
      this.#stringLeft = longestString
      return { safe: '', end: at + introducer.length }
    }
    const whole = matchAt(sequence, text, at)
    if (whole !== undefined) return { safe: this.#allowed(whole), end: at + whole.length }
    const begun = matchAt(beginning, text, at) ?? ''
    if (at + begun.length < text.length) return { safe: '', end: at + begun.length }
    this.#held = begun
    return undefined
  }

  #allowed(whole: string): string {
    const found = allowed.find(({ pattern }) => pattern.test(whole.slice(1)))
    if (found === undefined) return ''
    if (found.undo !== '') this.#undo.add(found.undo)
    return whole
  }

  /** Where the string at `at` ends in this text, or the end of the text. */
  #afterString(text: string, at: number): number {
    stringEnd.lastIndex = at
    const limit = Math.min(at + this.#stringLeft, text.length)
    const found = stringEnd.exec(text)?.index ?? text.length
    if (found >= limit) {
      this.#stringLeft -= limit - at
      return limit
    }
    this.#stringLeft = 0
    return text[found] === esc ? found : found + 1
  }
}
