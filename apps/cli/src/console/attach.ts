import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { exitStatus } from '../exit-status.ts'
import type { Output } from '../output.ts'
import { scanTyped } from './escape-scanner.ts'

/** Why a console was left. */
export type Leaving = 'escape' | 'closed' | 'input-ended'

export interface AttachOptions {
  readonly input: NodeJS.ReadStream
  readonly output: Output
  /** Seconds of silence after which it ends, once the input has; for as long as the console is there when not given. */
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

/** Sets a terminal to hand on every key as it is, and back, whatever happens. */
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

/** Hands what comes in to the console. Resolves when there is no more of it, or the user wants to leave. */
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

/** What the console says, on its way to standard output. */
class Speech {
  #last: number = performance.now()

  /** Resolves when the console is closed. */
  async copy(socket: Socket, output: Output): Promise<Leaving> {
    try {
      for await (const chunk of socket) {
        await output.bytes(chunk)
        this.#last = performance.now()
      }
    } catch {
      // Whoever serves the console has ended without a farewell: that is the end as well.
    }
    return 'closed'
  }

  /** Resolves when nothing has been said for so many seconds from now on. */
  async silence(seconds: number): Promise<Leaving> {
    this.#last = performance.now()
    for (;;) {
      const left = this.#last + seconds * 1000 - performance.now()
      if (left <= 0) return 'input-ended'
      await delay(left, undefined, { ref: false })
    }
  }
}

/** Joins a terminal, or a pair of pipes, and the console at a socket until one of them ends. */
export async function attach(path: string, { input, output, linger, onAttached }: AttachOptions): Promise<Leaving> {
  const socket = await connect(path)
  try {
    using _ = new RawTerminal(input)
    onAttached?.()
    const speech = new Speech()
    const closed = speech.copy(socket, output)
    const first = await Promise.race([closed, pumpInput(input, socket)])
    if (first !== 'input-ended') return first
    return linger === undefined ? await closed : await Promise.race([closed, speech.silence(linger)])
  } finally {
    socket.destroy()
    input.destroy()
  }
}
