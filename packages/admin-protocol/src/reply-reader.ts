import { concatBytes, msg } from '@cloister/kit'
import { DaemonCommunicationError } from './errors.ts'
import { parseReply, type Reply } from './reply.ts'

/** Most bytes of a reply that a client takes in, unless it says otherwise. */
export const replyLimit: number = 64 << 20

/** Reads the reply of one call as its bytes come in; it ends where the daemon closes. */
export class ReplyReader {
  readonly #limit: number
  readonly #chunks: Uint8Array[] = []
  #received = 0

  constructor(limit: number = replyLimit) {
    this.#limit = limit
  }

  /** @throws DaemonCommunicationError when the reply grows too long */
  push(chunk: Uint8Array): void {
    this.#received += chunk.length
    if (this.#received > this.#limit) {
      throw new DaemonCommunicationError(msg`the reply is longer than ${this.#limit} bytes`)
    }
    this.#chunks.push(chunk)
  }

  /** @throws DaemonCommunicationError when what came is no reply */
  finish(): Reply {
    return parseReply(concatBytes(this.#chunks))
  }
}
