import { encodeException, encodeOk } from '@cloister/admin-protocol'
import { concatBytes, type Message, utf8, utf8Text } from '@cloister/kit'
import type { Transport, TransportRequest } from '../transport.ts'

/** A transport that answers calls from a table and keeps what was sent. */
export class RecordedTransport implements Transport {
  /** `method+argument destination payload` of every call. */
  readonly sent: string[] = []
  readonly #answers: ReadonlyMap<string, readonly Uint8Array[]>

  /** Answers by method, each as the pieces in which it arrives. */
  constructor(answers: Readonly<Record<string, readonly Uint8Array[]>>) {
    this.#answers = new Map(Object.entries(answers))
  }

  async *exchange(request: TransportRequest, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted()
    const payload = request.payload instanceof Uint8Array ? [request.payload] : await collect(request.payload)
    const argument = utf8Text(request.argument)
    this.sent.push(`${request.method}+${argument} ${request.destination} ${utf8Text(concatBytes(payload))}`)
    yield* this.#answers.get(request.method) ?? []
  }
}

/** A successful answer in one piece. */
export function ok(content: string): readonly Uint8Array[] {
  return [encodeOk(utf8(content))]
}

/** An exception as an answer. */
export function exception(type: string, message: Message): readonly Uint8Array[] {
  return [encodeException({ type, message, traceback: '' }, 'mgmt')]
}

/** All items of an iteration. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
