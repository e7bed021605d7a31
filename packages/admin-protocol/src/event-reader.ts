import { msg } from '@cloister/kit'
import { ByteCollector } from './byte-collector.ts'
import { reply } from './codec.ts'
import { DaemonCommunicationError } from './errors.ts'
import { parseReply, type Reply } from './reply.ts'
import { eventForm, type QubesEvent } from './values/event.ts'

/** Longest event message that a client accepts, bytes. */
export const eventLimit: number = 1 << 20

const eventHead = 0x31
const message = reply(eventForm)
const noEvent = msg`the daemon sent bytes that are not an event in a stream of events`

/** Reads event messages from a stream of bytes. In place of the first event a daemon may send a reply, which ends the stream. */
export class EventReader {
  readonly #limit: number
  /** The message that is not complete yet. */
  readonly #held: ByteCollector = new ByteCollector()
  /** How many texts of that message are complete, and whether the next text is empty so far. */
  #texts = 0
  #textIsEmpty = true
  #streaming = false
  #isReply = false

  constructor(limit: number = eventLimit) {
    this.#limit = limit
  }

  /**
   * The events that `chunk` completes.
   * @throws DaemonCommunicationError when what comes is no event
   */
  push(chunk: Uint8Array): QubesEvent[] {
    const found: QubesEvent[] = []
    let rest = chunk
    while (rest.length > 0) {
      const end = this.#isReply ? -1 : this.#messageEnd(rest)
      const part = end < 0 ? rest : rest.subarray(0, end)
      this.#hold(part)
      if (end >= 0) found.push(this.#complete())
      rest = rest.subarray(part.length)
    }
    return found
  }

  /** The reply that the daemon sent in place of events, once it has closed the connection; undefined after an event. */
  finish(): Reply | undefined {
    const rest = this.#held.take()
    if (!this.#streaming) return parseReply(rest)
    if (rest.length > 0) throw new DaemonCommunicationError(msg`the stream of events ended within an event`)
    return undefined
  }

  #hold(part: Uint8Array): void {
    if (this.#held.length + part.length > this.#limit) {
      throw new DaemonCommunicationError(msg`an event is longer than ${this.#limit} bytes`)
    }
    this.#held.push(part)
  }

  /** The index after the end of the message within `bytes`, or -1. A message ends with an empty text where a key would be. */
  #messageEnd(bytes: Uint8Array): number {
    if (this.#held.length === 0 && bytes[0] !== eventHead) this.#expectReply()
    if (this.#isReply) return -1
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== 0) {
        if (this.#texts === 0 && !this.#textIsEmpty) throw new DaemonCommunicationError(noEvent)
        this.#textIsEmpty = false
        continue
      }
      const isEnd = this.#textIsEmpty && this.#texts >= 3 && this.#texts % 2 === 1
      this.#texts++
      this.#textIsEmpty = true
      if (isEnd) return at + 1
    }
    return -1
  }

  #expectReply(): void {
    if (this.#streaming) throw new DaemonCommunicationError(noEvent)
    this.#isReply = true
  }

  #complete(): QubesEvent {
    const bytes = this.#held.take()
    this.#texts = 0
    this.#textIsEmpty = true
    this.#streaming = true
    return message.decode(bytes.subarray(2))
  }
}
