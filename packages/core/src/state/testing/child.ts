import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A program of this folder that runs as a process of its own, its output read line by line; ended with the block that made it. */
export class Child {
  readonly lines: Interface
  readonly #process: ChildProcessByStdio<null, Readable, null>
  readonly #exit: Promise<unknown>

  constructor(program: string, args: readonly string[]) {
    const path = new URL(program, import.meta.url).pathname
    this.#process = spawn(process.execPath, ['--conditions=@cloister/source', path, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#exit = once(this.#process, 'close')
    this.lines = createInterface({ input: this.#process.stdout })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Rejects when the program ends by itself. */
  async ended(): Promise<never> {
    throw new Error(`the program ended: ${await this.#exit}`)
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const [line]: string[] = await Promise.race([once(this.lines, 'line'), this.ended()])
    return line ?? ''
  }

  /** Ends it at once, as `kill -9` does, and waits until it is gone and all its output is read. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
