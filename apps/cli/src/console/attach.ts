import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { exitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { scanTyped } from './escape-scanner.ts'
import { TerminalFilter } from './terminal-filter.ts'

/** Why a console was left. */
export type Leaving = 'escape' | 'closed' | 'input-ended'

export interface AttachOptions {
  readonly input: NodeJS.ReadStream
  readonly output: Output
  /** Copies the output of the console byte by byte, with everything that a terminal would obey. */
  readonly raw: boolean
  /** Once the input has ended: seconds without output after which the console is left. Undefined: when it is closed. */
  readonly linger: number | undefined
  /** Called when keys begin to go to the console. */
  readonly onAttached?: () => void
}

async function connect(path: string): Promise<Socket> {
  const socket = createConnection({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
    return socket
  } catch (cause) {
    socket.destroy()
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const hint = why === 'EACCES' ? 'it is for the user of cloisterd' : 'has the domain stopped?'
    throw new CliError(`cannot open the console ${path} (${why})`, exitStatus.failure, hint, { cause })
  }
}

/** Puts a terminal into raw mode, in which every key reaches the console, and back again also when the process exits. */
class RawTerminal implements Disposable {
  readonly #input: NodeJS.ReadStream
  readonly #restore = (): void => void this.#input.setRawMode(false)

  constructor(input: NodeJS.ReadStream) {
    this.#input = input
    if (!input.isTTY) return
    process.on('exit', this.#restore)
    input.setRawMode(true)
  }

  [Symbol.dispose](): void {
    if (!this.#input.isTTY) return
    process.off('exit', this.#restore)
    this.#restore()
  }
}

/** Sends the input to the console. Resolves when the input has ended, or the user has typed the key that leaves. */
function pumpInput(input: NodeJS.ReadStream, socket: Socket): Promise<Leaving> {
  return new Promise((resolve) => {
    input.on('data', (chunk: Uint8Array) => {
      const { bytes, leaves } = input.isTTY ? scanTyped(chunk) : { bytes: chunk, leaves: false }
      if (bytes.length > 0 && !socket.write(bytes)) {
        input.pause()
        socket.once('drain', () => input.resume())
      }
      if (leaves) resolve('escape')
    })
    input.once('end', () => resolve('input-ended'))
    input.once('error', () => resolve('input-ended'))
  })
}

/** Prints the output of the console; unless `raw`, only what is safe for a terminal. */
class ConsoleOutput implements Disposable {
  readonly #output: Output
  readonly #filter: TerminalFilter | undefined
  readonly #end = (): void => {
    const rest = this.#filter?.end() ?? ''
    if (rest !== '') void this.#output.bytes(Buffer.from(rest))
  }
  #lastTime: number = performance.now()

  constructor(output: Output, raw: boolean) {
    this.#output = output
    this.#filter = raw ? undefined : new TerminalFilter()
    process.on('exit', this.#end)
  }

  /** Puts the terminal back into the state in which the console found it. */
  [Symbol.dispose](): void {
    process.off('exit', this.#end)
    this.#end()
  }

  /** Resolves when the console is closed. */
  async copyFrom(socket: Socket): Promise<Leaving> {
    try {
      for await (const chunk of socket) {
        await this.#output.bytes(this.#filter === undefined ? chunk : Buffer.from(this.#filter.push(chunk)))
        this.#lastTime = performance.now()
      }
    } catch {
      // A QEMU that ends resets the connection: that is a closed console as well.
    }
    return 'closed'
  }

  /** Resolves when nothing has been printed for this many seconds, counted from now. */
  async silence(seconds: number): Promise<Leaving> {
    this.#lastTime = performance.now()
    for (;;) {
      const left = this.#lastTime + seconds * 1000 - performance.now()
      if (left <= 0) return 'input-ended'
      await delay(left, undefined, { ref: false })
    }
  }
}

/** Joins a terminal, or a pair of pipes, and the console at a socket until one of them ends. */
export async function attach(
  path: string,
  { input, output, raw, linger, onAttached }: AttachOptions,
): Promise<Leaving> {
  const socket = await connect(path)
  try {
    using _ = new RawTerminal(input)
    using printed = new ConsoleOutput(output, raw)
    onAttached?.()
    const closed = printed.copyFrom(socket)
    const first = await Promise.race([closed, pumpInput(input, socket)])
    if (first !== 'input-ended') return first
    return linger === undefined ? await closed : await Promise.race([closed, printed.silence(linger)])
  } finally {
    socket.destroy()
    input.destroy()
  }
}
