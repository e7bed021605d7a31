import { msg } from '@cloister/kit'
import { ByteCollector } from './byte-collector.ts'
import { DaemonCommunicationError } from './errors.ts'
import { parseReply, type Reply } from './reply.ts'

/** Longest reply that a client accepts unless it gives another limit, bytes. */
export const replyLimit: number = 64 << 20

/** Collects the reply to one call; the reply is complete when the daemon closes the connection. */
export class ReplyReader {
  readonly #limit: number
  readonly #bytes: ByteCollector = new ByteCollector()

  constructor(limit: number = replyLimit) {
    this.#limit = limit
  }

  /** @throws DaemonCommunicationError when the reply grows too long */
  push(chunk: Uint8Array): void {
    if (this.#bytes.length + chunk.length > this.#limit) {
      throw new DaemonCommunicationError(msg`the reply is longer than ${this.#limit} bytes`)
    }
    this.#bytes.push(chunk)
  }

  /** @throws DaemonCommunicationError when what came is no reply */
  finish(): Reply {
    return parseReply(this.#bytes.take())
  }
}
