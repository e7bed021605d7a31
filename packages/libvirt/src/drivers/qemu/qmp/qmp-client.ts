import { connect, type Socket } from 'node:net'
import { errorText, msg } from '@cloister/kit'
import type { Clock, Host, Timer } from '@cloister/os'
import { LineSplitter } from './line-splitter.ts'
import { type QmpCommand, type QmpReply, qmpReplies } from './qmp-commands.ts'
import { QmpClosedError, QmpCommandError, QmpLateError } from './qmp-error.ts'
import { type JsonObject, parseQmpMessage, type QmpEvent, type QmpMessage } from './qmp-message.ts'

/** A command may take this long unless said otherwise, ms: QEMU answers at once or is stuck. */
const defaultTimeoutMs = 10_000
/** Commands that wait for an answer at most. */
const mostWaiting = 256

/** Bytes of the part of ids that is a client's own. */
const idBytes = 8

interface Waiter {
  readonly command: string
  readonly timer: Timer
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
  /** Something happened in QEMU; called in order, before the reply of a command that caused it. */
  event(event: QmpEvent): void
  /** The monitor is gone; called once, after everybody who waits has been told. */
  closed(error: QmpClosedError): void
}

/**
 * One end of QEMU's monitor: JSON lines over a unix socket. QEMU is not trusted, as it runs the guest: a line that is too
 * long or is not QMP closes the connection, and everybody who waits is told.
 */
export class QmpClient {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #lines = new LineSplitter()
  readonly #waiters = new Map<string, Waiter>()
  readonly #greeted: PromiseWithResolvers<number> = Promise.withResolvers()
  readonly #listener: QmpListener
  /** QEMU sends the answers that a client before us did not wait for to us: no id of theirs may be one of ours. */
  readonly #ids: string
  #next = 1
  #closed: QmpClosedError | undefined

  private constructor(socket: Socket, { clock, host }: QmpMachine, listener: QmpListener) {
    this.#socket = socket
    this.#clock = clock
    this.#ids = Buffer.from(host.random(idBytes)).toString('hex')
    this.#listener = listener
    // Whoever waits for the greeting is told by `open`; nobody else needs to be.
    this.#greeted.promise.catch(() => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (cause) => this.#close(new QmpClosedError('ended', msg`${cause.message}`, { cause })))
    socket.on('close', () => this.#close(new QmpClosedError('ended', msg`QEMU closed it`)))
  }

  /**
   * Connects and goes through the handshake.
   * @param listener hears of events and of the end from the first byte on
   * @param timeoutMs for each of the handshake's two steps
   * @throws the system's error when nobody listens there, QmpClosedError, QmpCommandError
   */
  static async open(
    path: string,
    machine: QmpMachine,
    listener: QmpListener,
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<QmpClient> {
    const client = new QmpClient(await connected(path), machine, listener)
    const late = machine.clock.after(timeoutMs, () =>
      client.#close(new QmpClosedError('silent', msg`QEMU does not greet`)),
    )
    try {
      await client.#greeted.promise
      await client.execute('qmp_capabilities', {}, timeoutMs)
      return client
    } catch (error) {
      client.close()
      throw error
    } finally {
      late.cancel()
    }
  }

  /** QEMU's version, as major * 1000000 + minor * 1000 + micro; known once `open` has returned. */
  get version(): Promise<number> {
    return this.#greeted.promise
  }

  /**
   * Runs a command. After the time limit nobody waits for the answer any more; the connection goes on.
   * @throws QmpCommandError when QEMU refuses; QmpLateError; QmpClosedError
   */
  execute<C extends QmpCommand>(
    command: C,
    args: JsonObject = {},
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<QmpReply<C>> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (this.#waiters.size >= mostWaiting) return Promise.reject(new QmpLateError(command, 0))
    const id = `${this.#ids}-${this.#next++}`
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = this.#clock.after(timeoutMs, () => reject(new QmpLateError(command, timeoutMs)))
    this.#waiters.set(id, { command, timer, resolve, reject })
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return promise.then((value) => this.#readReply(command, value))
  }

  /** Leaves the monitor; QEMU goes on. */
  close(): void {
    this.#close(new QmpClosedError('detached', msg`it was left`))
  }

  #readReply<C extends QmpCommand>(command: C, value: unknown): QmpReply<C> {
    try {
      return qmpReplies[command](value) as QmpReply<C>
    } catch (cause) {
      const error = new QmpClosedError('garbled', msg`the answer to '${command}' makes no sense: ${errorText(cause)}`, {
        cause,
      })
      this.#close(error)
      throw error
    }
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const line of this.#lines.split(chunk)) {
        if (this.#closed) return
        this.#take(parseQmpMessage(line))
      }
    } catch (cause) {
      this.#close(new QmpClosedError('garbled', msg`what came is not QMP: ${errorText(cause)}`, { cause }))
    }
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
    waiter.timer.cancel()
    if (message.kind === 'reply') waiter.resolve(message.value)
    else waiter.reject(new QmpCommandError(waiter.command, message.errorClass, message.description))
  }

  #close(error: QmpClosedError): void {
    if (this.#closed) return
    this.#closed = error
    this.#socket.destroy()
    this.#greeted.reject(error)
    for (const waiter of this.#waiters.values()) {
      waiter.timer.cancel()
      waiter.reject(error)
    }
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
