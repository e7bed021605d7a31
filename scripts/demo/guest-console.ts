import { EventEmitter, once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** The output of a command in a guest, and its exit status. */
export interface CommandResult {
  readonly output: string
  readonly status: number
}

const keptCharacters = 1 << 20
const shownCharacters = 500
const knockMs = 300

/** A shell on the console of a guest: lines are typed, and the output is searched for their results. */
export class GuestConsole {
  readonly #socket: Socket
  readonly #changes = new EventEmitter()
  #received = ''
  #commands = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#received = (this.#received + text).slice(-keptCharacters)
      this.#changes.emit('change')
    })
    // A QEMU that ends resets the connection, which is an error; `close` follows it.
    socket.on('error', () => {})
    socket.on('close', () => this.#changes.emit('change'))
  }

  /** Connects to the socket of a console. @throws Error when no program listens there */
  static async connect(path: string): Promise<GuestConsole> {
    const socket = createConnection(path)
    await once(socket, 'connect')
    return new GuestConsole(socket)
  }

  /** Waits until the shell of the guest answers. Input before that may get lost, so a line is typed until it is answered. */
  async ready(signal: AbortSignal): Promise<void> {
    const answered = this.#match(/knock-heard/, signal)
    const done = new AbortController()
    const knocking = this.#knock(AbortSignal.any([signal, done.signal]))
    await answered.finally(() => done.abort())
    await knocking
    await this.run('stty -echo', signal)
  }

  /** Runs a line of shell. @throws Error when the console closes or the signal is aborted first */
  async run(line: string, signal: AbortSignal): Promise<CommandResult> {
    // The quotes distinguish the echo of this line from its output.
    const mark = `mark-${++this.#commands}`
    this.#received = ''
    this.#socket.write(`echo '${mark}'-begin; ${line}; echo '${mark}'-end-$?\n`)
    const [, output = '', status] = await this.#match(
      new RegExp(`${mark}-begin\r*\n([^]*?)${mark}-end-(\\d+)\r*\n`),
      signal,
    )
    return { output: output.replaceAll('\r', ''), status: Number(status) }
  }

  close(): void {
    this.#socket.destroy()
  }

  async #knock(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#socket.write("echo 'knock'-heard\n")
      await delay(knockMs, undefined, { signal }).catch(() => {})
    }
  }

  async #match(pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#received)
      if (found) return found
      if (this.#socket.closed) throw new Error(this.#account('closed its console'))
      await once(this.#changes, 'change', { signal }).catch((cause) => {
        throw new Error(this.#account('did not answer'), { cause })
      })
    }
  }

  #account(what: string): string {
    return `The guest ${what}. Its last output: ${JSON.stringify(this.#received.slice(-shownCharacters))}`
  }
}
