/** The values of `--color`. */
export type ColourChoice = 'auto' | 'always' | 'never'
export const colourChoices: readonly ColourChoice[] = ['auto', 'always', 'never']

/** Adds colour to a text. */
export type Paint = (text: string) => string

/** SGR codes. The first ones are colours of the user's theme; the last ones are fixed, as themes do not have these colours. */
const codes = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  purple: '35',
  cyan: '36',
  orange: '38;5;208',
  gray: '38;5;246',
  black: '38;5;240',
} as const

export type Colour = keyof typeof codes

/** The text in a colour; an empty text stays empty. */
export function paint(colour: Colour, text: string): string {
  return text === '' ? text : `\x1b[${codes[colour]}m${text}\x1b[0m`
}

/** The colours of power states: green runs, yellow waits to be continued, red needs attention. */
const stateColours: ReadonlyMap<string, Colour> = new Map<string, Colour>([
  ['Running', 'green'],
  ['Halted', 'dim'],
  ['Paused', 'yellow'],
  ['Suspended', 'yellow'],
  ['Transient', 'cyan'],
  ['Halting', 'cyan'],
  ['Dying', 'red'],
  ['Crashed', 'red'],
  ['NA', 'red'],
])

const labelColours: ReadonlyMap<string, Colour> = new Map<string, Colour>(
  (['red', 'orange', 'yellow', 'green', 'gray', 'blue', 'purple', 'black'] as const).map((name) => [name, name]),
)

function byWord(colours: ReadonlyMap<string, Colour>): Paint {
  return (text) => {
    const colour = colours.get(text)
    return colour === undefined ? text : paint(colour, text)
  }
}

/** Paints a power state. */
export const paintState: Paint = byWord(stateColours)

/** Paints the names of the eight built-in labels; the colours of other labels are not known here. */
export const paintLabel: Paint = byWord(labelColours)

/** What decides on colours. */
export interface ColourConditions {
  readonly choice: ColourChoice
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Whether to use colours: what `--color` says; for `auto` on terminals that have them, unless NO_COLOR has a value. */
export function wantsColour({ choice, isTerminal, environment }: ColourConditions): boolean {
  if (choice !== 'auto') return choice === 'always'
  return isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}
