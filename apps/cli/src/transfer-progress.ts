import { visibleText } from '@cloister/kit'
import { paint } from './colour.ts'
import { fitted } from './fitted-text.ts'
import { columnsOf, type Output, type TextStream } from './output.ts'
import { formatSeconds, formatSize } from './sizes.ts'

const redrawMs = 100
/** Without a terminal a line is printed at this interval. */
const lineMs = 10_000
const barWidth = 20
const eraseLine = '\r\x1b[K'
/** Weight of the latest measurement in the rate that is shown. */
const smoothing = 0.3

/** The state of a transfer. */
export interface TransferState {
  readonly done: bigint
  readonly total: bigint | undefined
  /** Bytes a second. */
  readonly rate: number
}

/** `45 %  1.2 GiB of 2.6 GiB  210.0 MiB/s  0:07 left`. */
export function describeTransfer({ done, total, rate }: TransferState): string {
  const speed = `${formatSize(Math.round(rate))}/s`
  if (total === undefined || total === 0n) return `${formatSize(done)}  ${speed}`
  const left = rate > 0 ? formatSeconds(Number(total - done) / rate) : '-:--'
  return `${percentOf(done, total)} %  ${formatSize(done)} of ${formatSize(total)}  ${speed}  ${left} left`
}

function percentOf(done: bigint, total: bigint): number {
  return Number((done * 100n) / total)
}

function bar(done: bigint, total: bigint): string {
  const full = Math.min(Number((done * BigInt(barWidth)) / total), barWidth)
  return `${'━'.repeat(full)}${'─'.repeat(barWidth - full)}`
}

function painted(line: string): string {
  return line.replace(/━+/, (full) => paint('green', full)).replace(/─+/, (rest) => paint('dim', rest))
}

/** Shows the progress of a transfer: a bar on a terminal; without one, a line every few seconds. */
export class TransferProgress implements Disposable {
  readonly #output: Output
  readonly #terminal: TextStream | undefined
  readonly #what: string
  readonly #total: bigint | undefined
  readonly #timer: NodeJS.Timeout
  readonly #start: number = performance.now()
  readonly #erase = (): void => void this.#terminal?.write(eraseLine)
  #done = 0n
  #rate = 0
  #lastTime: number = this.#start
  #lastDone = 0n

  /** `what` names the transfer, `total` its bytes, where the number is known. */
  constructor(output: Output, what: string, total: bigint | undefined) {
    this.#output = output
    this.#terminal = output.progressTerminal
    this.#what = visibleText(what)
    this.#total = total
    this.#timer = setInterval(() => this.#show(), this.#terminal === undefined ? lineMs : redrawMs)
    this.#timer.unref()
    if (this.#terminal !== undefined) process.on('exit', this.#erase)
  }

  /** The same stream, whose bytes are counted. */
  async *count(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      yield chunk
      this.#done += BigInt(chunk.length)
    }
  }

  /** The number of bytes that were transferred, and the time. */
  summary(): string {
    const seconds = (performance.now() - this.#start) / 1000
    return `${formatSize(this.#done)} in ${seconds.toFixed(1)} s`
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    if (this.#terminal === undefined) return
    process.off('exit', this.#erase)
    this.#erase()
  }

  #show(): void {
    const now = performance.now()
    const latest = (Number(this.#done - this.#lastDone) * 1000) / (now - this.#lastTime)
    this.#rate = this.#lastDone === 0n ? latest : this.#rate * (1 - smoothing) + latest * smoothing
    this.#lastTime = now
    this.#lastDone = this.#done
    const text = describeTransfer({ done: this.#done, total: this.#total, rate: this.#rate })
    if (this.#terminal === undefined) this.#output.note(`${this.#what}: ${text}`)
    else this.#draw(this.#terminal, text)
  }

  #draw(terminal: TextStream, text: string): void {
    const room = columnsOf(terminal) - 1
    const shown = this.#total === undefined || this.#total === 0n ? '' : `${bar(this.#done, this.#total)} `
    const line = fitted(`${this.#what} ${shown}${text}`, room)
    terminal.write(eraseLine + (this.#output.errorColour ? painted(line) : line))
  }
}
