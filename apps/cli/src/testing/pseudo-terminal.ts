import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

const patienceMs = 20_000
const shownCharacters = 2000

/** A terminal on which a line of shell runs, made by the program `script`. */
export class PseudoTerminal implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #changes = new EventEmitter()
  #text = ''
  /** Resolves when the shell has ended. */
  readonly ended: Promise<unknown>

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      this.#text += piece
      this.#changes.emit('change')
    })
    this.ended = once(child, 'close')
  }

  static start(script: string, shell: string): PseudoTerminal {
    return new PseudoTerminal(spawn(script, ['-qec', shell, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** Everything that was shown so far. */
  get text(): string {
    return this.#text
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  /** Waits until a text was shown. @throws Error when it is not, for long */
  async shows(text: string): Promise<void> {
    await this.#until(() => this.#text.includes(text), text)
  }

  /** Waits until something was shown that matches, and gives its first group. @throws Error when it is not, for long */
  async finds(pattern: RegExp): Promise<string> {
    await this.#until(() => pattern.test(this.#text), String(pattern))
    return pattern.exec(this.#text)?.[1] ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.destroy()
    this.#child.kill('SIGKILL')
    await this.ended
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs)
    while (!condition()) {
      await once(this.#changes, 'change', { signal }).catch((cause: unknown) => {
        const shown = JSON.stringify(this.#text.slice(-shownCharacters))
        throw new Error(`${what} was not shown, but ${shown}`, { cause })
      })
    }
  }
}
