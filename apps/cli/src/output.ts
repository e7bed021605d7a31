import type { WriteStream } from 'node:tty'
import { visibleLines } from '@cloister/kit'
import { type ColourChoice, paint, wantsColour } from './colour.ts'
import { formatJson, type Json } from './json.ts'

/** A stream of text, a terminal or not. */
export type TextStream = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

/** Columns of a terminal; one that does not know has the usual number. */
export function columnsOf({ columns = 0 }: TextStream): number {
  return columns > 0 ? columns : 80
}

export interface OutputOptions {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly colour: ColourChoice
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Results are printed as JSON. */
  readonly json: boolean
  /** Nothing but results and errors. */
  readonly quiet: boolean
}

/**
 * Where a command prints: results to standard output, everything else to standard error. It is the door to the terminal:
 * whatever stands in a text, no character of it controls the terminal, except in what the caller has made visible and painted.
 */
export class Output {
  readonly #options: OutputOptions
  /** Colours on standard output. */
  readonly colour: boolean
  /** Colours on standard error. */
  readonly errorColour: boolean

  constructor(options: OutputOptions) {
    this.#options = options
    const { colour, environment, stdout, stderr } = options
    const wants = (stream: TextStream): boolean =>
      wantsColour({ choice: colour, isTerminal: stream.isTTY === true, environment })
    this.colour = wants(stdout)
    this.errorColour = wants(stderr)
  }

  get isJson(): boolean {
    return this.#options.json
  }

  /** Columns of the terminal that shows the results; undefined when there is none. */
  get width(): number | undefined {
    const { stdout } = this.#options
    return stdout.isTTY === true ? columnsOf(stdout) : undefined
  }

  /** The terminal on which progress is drawn; undefined when there is none, or nothing but results is wanted. */
  get progressTerminal(): TextStream | undefined {
    const { stderr } = this.#options
    return stderr.isTTY === true && !this.#isSilent ? stderr : undefined
  }

  /** Prints a result for people and programs: controls are made visible on a terminal; a program gets the text as it is. */
  line(text: string): void {
    this.paintedLine(this.#options.stdout.isTTY === true ? visibleLines(text) : text)
  }

  /** Prints a line of a result that is visible text already, with our own colours. */
  paintedLine(text: string): void {
    this.#options.stdout.write(`${text}\n`)
  }

  /** Prints a result as JSON. */
  json(value: Json): void {
    this.paintedLine(formatJson(value, this.#options.stdout.isTTY === true ? 2 : 0))
  }

  /** Prints a value of a stream as JSON, on one line. */
  jsonLine(value: Json): void {
    this.paintedLine(formatJson(value))
  }

  /** Tells a person what happens, on standard error; nothing is printed with --quiet or --json. */
  note(text: string): void {
    if (!this.#isSilent) this.paintedError(visibleLines(text))
  }

  /** Tells that something was done. */
  done(text: string): void {
    if (!this.#isSilent) this.paintedError(`${this.errorColour ? paint('green', '✓') : '✓'} ${visibleLines(text)}`)
  }

  /** Prints a line on standard error that is visible text already, with our own colours. */
  paintedError(text: string): void {
    this.#options.stderr.write(`${text}\n`)
  }

  get #isSilent(): boolean {
    return this.#options.quiet || this.#options.json
  }

  /** Prints bytes of the result as they are; resolves when the reader has room for more. */
  async bytes(chunk: Uint8Array): Promise<void> {
    const { stdout } = this.#options
    if (stdout.write(chunk)) return
    await new Promise((resolve) => stdout.once('drain', resolve).once('close', resolve))
  }
}
