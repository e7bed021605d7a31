import { connect, type Socket } from 'node:net'
import { errorText, msg } from '@cloister/kit'
import { type Clock, type Host, type Timer, within } from '@cloister/os'
import { LineSplitter } from './line-splitter.ts'
import { largestReplies, type QmpCommand, type QmpReply, qmpReplies } from './qmp-commands.ts'
import { QmpClosedError, QmpCommandError, QmpFloodError, QmpLateError } from './qmp-error.ts'
import { type JsonObject, parseQmpMessage, type QmpEvent, type QmpMessage } from './qmp-message.ts'
import { type Rate, RateLimit } from './rate-limit.ts'

/** A command may take this long unless said otherwise, ms: QEMU answers at once or is stuck. */
const defaultTimeoutMs = 10_000
/** Commands that wait for an answer at most. */
const mostWaiting = 64
/** Longest line, bytes; replies to some commands may be longer (`largestReplies`). Events have a few hundred bytes. */
export const longestLine: number = 64 << 10
/** How fast QEMU is read, bytes: reading waits while QEMU sends faster. */
const readingRate: Rate = { burst: 4 << 20, perSecond: 1 << 20 }
/** A line costs at least as much as this many bytes. */
const leastCost = 256
/** A QEMU that sends faster than it is read for this long without a rest is given up, ms. */
const patienceMs = 30_000
/** Bytes of the part of ids that is a client's own. */
const idBytes = 8

interface Waiter {
  readonly command: QmpCommand
  /** When the command was sent, by the monotonic clock. */
  readonly sentAt: number
  /** The time that the command may take is over. */
  isLate: boolean
  resolve(value: unknown): void
  reject(error: Error): void
}

/** What a client needs of the machine. */
export interface QmpMachine {
  readonly clock: Clock
  readonly host: Pick<Host, 'random'>
}

/** What a client tells its owner. */
export interface QmpListener {
  /**
   * Something happened in QEMU; called in order, before the reply of a command that caused it.
   * @throws QmpFloodError, which closes the connection as `flooded`; any other error closes it as `garbled`
   */
  event(event: QmpEvent): void
  /** The connection is closed; called once, after the commands that wait for an answer have been rejected. */
  closed(error: QmpClosedError): void
}

/**
 * One end of QEMU's monitor: JSON lines over a unix socket. QEMU is not trusted, as it runs the guest: a line that is too
 * long, nests too deeply or is not QMP closes the connection, and so does a flood of lines. While QEMU sends faster than it
 * is to be read, the socket is not read: what QEMU has to say waits in QEMU.
 */
export class QmpClient {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #lines = new LineSplitter(longestLine)
  readonly #reading: RateLimit
  readonly #waiters = new Map<string, Waiter>()
  readonly #greeted: PromiseWithResolvers<number> = Promise.withResolvers()
  readonly #listener: QmpListener
  /** QEMU sends the answers that a client before us did not wait for to us: no id of theirs may be one of ours. */
  readonly #ids: string
  #next = 1
  #negotiated: Promise<unknown> | undefined
  #pause: Timer | undefined
  #closed: QmpClosedError | undefined

  private constructor(socket: Socket, { clock, host }: QmpMachine, listener: QmpListener) {
    this.#socket = socket
    this.#clock = clock
    this.#reading = new RateLimit(readingRate, clock)
    this.#ids = Buffer.from(host.random(idBytes)).toString('hex')
    this.#listener = listener
    // `handshake` gives this error to its caller; without a caller the listener has it from `closed`.
    this.#greeted.promise.catch(() => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (cause) => this.#close(new QmpClosedError('ended', msg`${cause.message}`, { cause })))
    socket.on('close', () => this.#close(new QmpClosedError('ended', msg`QEMU closed it`)))
  }

  /**
   * Connects to a monitor; `handshake` must follow before the first command.
   * @param listener is told of events and of the end from the first byte on
   * @throws the system's error when no QEMU listens there: `ENOENT`, `ECONNREFUSED`, …
   */
  static async connect(path: string, machine: QmpMachine, listener: QmpListener): Promise<QmpClient> {
    return new QmpClient(await connected(path), machine, listener)
  }

  /**
   * Waits for QEMU's greeting and leaves its negotiation mode. The wait has no limit of its own: the caller sets one with
   * `within`, and may call again when it is over.
   * @throws QmpClosedError, QmpCommandError
   */
  async handshake(): Promise<void> {
    await this.#greeted.promise
    this.#negotiated ??= this.#send('qmp_capabilities', {}).promise
    await this.#negotiated
  }

  /** QEMU's version, as major * 1000000 + minor * 1000 + micro; known once `handshake` has returned. */
  get version(): Promise<number> {
    return this.#greeted.promise
  }

  /**
   * Runs a command. When its time is over the caller is told, and the connection stays; until QEMU has answered the late
   * command every other command is refused at once, without being sent.
   * @throws QmpCommandError when QEMU refuses; QmpLateError; QmpClosedError
   */
  async execute<C extends QmpCommand>(
    command: C,
    args: JsonObject = {},
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<QmpReply<C>> {
    if (this.#closed) throw this.#closed
    const stuck = this.#stuck()
    if (stuck) throw new QmpLateError(stuck.command, this.#clock.monotonic() - stuck.sentAt)
    const { promise, waiter } = this.#send(command, args)
    const onLate = (): Error => {
      waiter.isLate = true
      return new QmpLateError(command, timeoutMs)
    }
    const value = await within({ clock: this.#clock, ms: timeoutMs, what: command, onLate }, promise)
    return this.#readReply(command, value)
  }

  /**
   * Runs a command, however long it takes, also after another one is late: for who finds out whether QEMU answers again.
   * @throws QmpCommandError when QEMU refuses; QmpClosedError
   */
  async ask<C extends QmpCommand>(command: C): Promise<QmpReply<C>> {
    if (this.#closed) throw this.#closed
    return this.#readReply(command, await this.#send(command, {}).promise)
  }

  /** Closes the connection; QEMU is not told to do anything. */
  close(): void {
    this.#close(new QmpClosedError('detached', msg`the connection was closed`))
  }

  /** The command that keeps others from being sent, if there is one. */
  #stuck(): Waiter | undefined {
    const waiting = [...this.#waiters.values()]
    return waiting.find(({ isLate }) => isLate) ?? (waiting.length >= mostWaiting ? waiting[0] : undefined)
  }

  #send(command: QmpCommand, args: JsonObject): { readonly promise: Promise<unknown>; readonly waiter: Waiter } {
    const id = `${this.#ids}-${this.#next++}`
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const waiter = { command, sentAt: this.#clock.monotonic(), isLate: false, resolve, reject }
    this.#waiters.set(id, waiter)
    this.#limitLines()
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return { promise, waiter }
  }

  /** A long line is accepted only while a command waits whose reply may be long. */
  #limitLines(): void {
    const replies = [...this.#waiters.values()].map(({ command }) => largestReplies[command] ?? 0)
    this.#lines.limit = Math.max(longestLine, ...replies)
  }

  #readReply<C extends QmpCommand>(command: C, value: unknown): QmpReply<C> {
    try {
      return qmpReplies[command](value) as QmpReply<C>
    } catch (cause) {
      const text = msg`the answer to '${command}' is not one that this command has: ${errorText(cause)}`
      const error = new QmpClosedError('garbled', text, { cause })
      this.#close(error)
      throw error
    }
  }

  #receive(chunk: Uint8Array): void {
    let cost = 0
    try {
      for (const line of this.#lines.split(chunk)) {
        if (this.#closed) return
        cost += Math.max(line.length, leastCost)
        this.#take(parseQmpMessage(line))
      }
    } catch (cause) {
      this.#close(
        cause instanceof QmpFloodError
          ? new QmpClosedError('flooded', msg`${cause.message}`, { cause })
          : new QmpClosedError('garbled', msg`QEMU sent what is not QMP: ${errorText(cause)}`, { cause }),
      )
    }
    this.#pace(cost)
  }

  /** Reads on at once, or when the rate of reading allows it; gives a QEMU up that never lets the rate recover. */
  #pace(cost: number): void {
    const waitMs = this.#reading.take(cost)
    if (waitMs === 0 || this.#closed) return
    if (this.#reading.exceededMs > patienceMs) {
      const text = msg`QEMU sent more than ${readingRate.perSecond} bytes a second for ${patienceMs / 1000} s`
      this.#close(new QmpClosedError('flooded', text))
      return
    }
    this.#socket.pause()
    this.#pause = this.#clock.after(waitMs, () => this.#socket.resume())
  }

  #take(message: QmpMessage): void {
    if (message.kind === 'greeting') this.#greeted.resolve(message.version)
    else if (message.kind === 'event') this.#listener.event(message.event)
    else this.#settle(message)
  }

  #settle(message: Extract<QmpMessage, { id: string }>): void {
    const waiter = this.#waiters.get(message.id)
    if (!waiter) return
    this.#waiters.delete(message.id)
    this.#limitLines()
    if (message.kind === 'reply') waiter.resolve(message.value)
    else waiter.reject(new QmpCommandError(waiter.command, message.errorClass, message.description))
  }

  #close(error: QmpClosedError): void {
    if (this.#closed) return
    this.#closed = error
    this.#pause?.cancel()
    this.#socket.destroy()
    this.#greeted.reject(error)
    for (const waiter of this.#waiters.values()) waiter.reject(error)
    this.#waiters.clear()
    this.#listener.closed(error)
  }
}

/** A connection to a unix socket. @throws the system's error: `ENOENT`, `ECONNREFUSED`, … */
function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
