import { styleText } from 'node:util'

const widthOfSteps = 72

/** The output of the demo: steps with the time that they took, tables, and commands in guests with their output. */
export class Terminal {
  readonly #out: NodeJS.WriteStream

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`)
  }

  /** Runs the work of a step. Shows its name, on a terminal while the work runs, and then the time that it took. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    if (this.#out.isTTY) this.#out.write(`${styleText('yellow', '…')} ${what}`)
    try {
      const result = await work()
      const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`
      this.#finish(`${styleText('green', '✓')} ${what.padEnd(widthOfSteps)} ${styleText('dim', seconds.padStart(6))}`)
      return result
    } catch (error) {
      this.#finish(`${styleText('red', '✗')} ${what}`)
      throw error
    }
  }

  /** A command in a guest, and its output. */
  typed(prompt: string, command: string, output: string): void {
    this.line(`  ${styleText('cyan', prompt)} ${styleText('bold', command)}`)
    for (const line of output.split('\n').filter((text) => text !== '')) this.line(`  ${line}`)
  }

  /** A table with aligned columns. */
  table(heading: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = heading.map((title, column) =>
      Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => cell.length)),
    )
    const format = (row: readonly string[]): string =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
    this.line(`  ${styleText('bold', format(heading))}`)
    for (const row of rows) this.line(`  ${format(row)}`)
  }

  #finish(line: string): void {
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${line}\n` : `${line}\n`)
  }
}
