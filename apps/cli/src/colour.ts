/** When colours are used. */
export type ColourChoice = 'auto' | 'always' | 'never'
export const colourChoices: readonly ColourChoice[] = ['auto', 'always', 'never']

/** Gives text a meaning that can be seen. */
export type Paint = (text: string) => string

/** SGR codes: those that follow the user's own theme where there is one for the meaning. */
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

/** Paints a text, or leaves it when it has nothing to say. */
export function paint(colour: Colour, text: string): string {
  return text === '' ? text : `\x1b[${codes[colour]}m${text}\x1b[0m`
}

/** The colours of power states: green is well, yellow waits, red needs somebody. */
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

/** Paints the name of one of the labels that every system has; others have colours that terminals may lack. */
export const paintLabel: Paint = byWord(labelColours)

/** What decides on colours. */
export interface ColourConditions {
  readonly choice: ColourChoice
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Whether to use colours: on terminals that can, unless NO_COLOR has a value; an option has the last word. */
export function wantsColour({ choice, isTerminal, environment }: ColourConditions): boolean {
  if (choice !== 'auto') return choice === 'always'
  return isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}
