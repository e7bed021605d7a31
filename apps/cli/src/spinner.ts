import { visibleText } from '@cloister/kit'
import { paint } from './colour.ts'
import { fitted } from './fitted-text.ts'
import { columnsOf, type Output, type TextStream } from './output.ts'

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const frameMs = 100
/** Work that takes less time shows no spinner. */
const patienceMs = 200
const eraseLine = '\r\x1b[K'

/** Shows on a terminal that work is going on; without a terminal it shows nothing. */
export class Spinner implements Disposable {
  readonly #terminal: TextStream | undefined
  readonly #colour: boolean
  #text: string
  #frame = 0
  #isShown = false
  #timer: NodeJS.Timeout | undefined
  readonly #erase = (): void => this.#hide()

  constructor(output: Output, text: string) {
    this.#terminal = output.progressTerminal
    this.#colour = output.errorColour
    this.#text = visibleText(text)
    if (this.#terminal === undefined) return
    this.#timer = setTimeout(() => this.#turn(), patienceMs)
    process.on('exit', this.#erase)
  }

  /** Replaces the text. */
  update(text: string): void {
    this.#text = visibleText(text)
    if (this.#isShown) this.#draw()
  }

  /** Hides the spinner, so that `print` can print on its line. */
  interrupt(print: () => void): void {
    this.#hide()
    print()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    process.off('exit', this.#erase)
    this.#hide()
  }

  #turn(): void {
    this.#frame = (this.#frame + 1) % frames.length
    this.#draw()
    this.#timer = setTimeout(() => this.#turn(), frameMs)
  }

  #draw(): void {
    const frame = frames[this.#frame] ?? ''
    if (this.#terminal === undefined) return
    const text = fitted(this.#text, columnsOf(this.#terminal) - 3)
    this.#terminal.write(`${eraseLine}${this.#colour ? paint('cyan', frame) : frame} ${text}`)
    this.#isShown = true
  }

  #hide(): void {
    if (this.#isShown) this.#terminal?.write(eraseLine)
    this.#isShown = false
  }
}
