import { connect } from 'node:net'
import { EventReader, parseReply, type Reply } from '@cloister/admin-protocol'
import { concatBytes } from '@cloister/kit'
import type { SeenEvent } from './compare.ts'

/** Longest wait for a reply or an event, ms. */
const patienceMs = 10_000

/** Sends the bytes of a request and reads the reply, which is empty when the connection is closed without a byte. */
export function exchange(path: string, request: Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    const socket = connect({ path, allowHalfOpen: true }, () => socket.end(request))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no reply in ${patienceMs} ms`))
    }, patienceMs)
    socket.on('data', (chunk: Uint8Array) => parts.push(chunk))
    // A request can be refused before it is sent completely: the rest meets a closed connection.
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      try {
        resolve(parseReply(concatBytes(parts)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** A stream of events, read as they arrive. */
export class EventStream {
  readonly events: SeenEvent[] = []
  readonly #socket: ReturnType<typeof connect>
  readonly #waiters = new Set<() => void>()

  constructor(path: string, request: Uint8Array) {
    const reader = new EventReader()
    this.#socket = connect({ path, allowHalfOpen: true }, () => this.#socket.end(request))
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Uint8Array) => {
      for (const { subject, name, pairs } of reader.push(chunk))
        this.events.push({ subject, name, pairs: new Map(pairs) })
      for (const waiter of [...this.#waiters]) waiter()
    })
  }

  /** Resolves with true as soon as `condition` holds, with false when it does not hold in time. */
  until(condition: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (result: boolean): void => {
        clearTimeout(timer)
        this.#waiters.delete(check)
        resolve(result)
      }
      const check = (): void => {
        if (condition()) settle(true)
      }
      const timer = setTimeout(() => settle(false), patienceMs)
      this.#waiters.add(check)
      check()
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
