import type { WriteStream } from 'node:tty'
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

/** Where a command prints: results to standard output, everything else to standard error. */
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

  /** The terminal for progress, if there is one and somebody wants to see it. */
  get progressTerminal(): TextStream | undefined {
    const { stderr, quiet, json } = this.#options
    return stderr.isTTY === true && !quiet && !json ? stderr : undefined
  }

  /** Prints a line of the result. */
  line(text: string): void {
    this.#options.stdout.write(`${text}\n`)
  }

  /** Prints a result as JSON. */
  json(value: Json): void {
    this.line(formatJson(value, this.#options.stdout.isTTY === true ? 2 : 0))
  }

  /** Prints a value of a stream as JSON, on one line. */
  jsonLine(value: Json): void {
    this.line(formatJson(value))
  }

  /** Tells a person what happened; a program that reads JSON, or who wants quiet, hears nothing. */
  note(text: string): void {
    if (!this.#options.quiet && !this.#options.json) this.error(text)
  }

  /** Tells that something was done. */
  done(text: string): void {
    this.note(`${this.errorColour ? paint('green', '✓') : '✓'} ${text}`)
  }

  /** Prints a line on standard error. */
  error(text: string): void {
    this.#options.stderr.write(`${text}\n`)
  }

  /** Prints bytes of the result as they are; resolves when the reader has room for more. */
  async bytes(chunk: Uint8Array): Promise<void> {
    const { stdout } = this.#options
    if (stdout.write(chunk)) return
    await new Promise((resolve) => stdout.once('drain', resolve).once('close', resolve))
  }
}
