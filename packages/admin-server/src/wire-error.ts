import type { WireException } from '@cloister/admin-protocol'
import { CloisterError, errorChain, type Log, type Message, msg } from '@cloister/kit'

/** Characters of an incident's id: enough to find it in the log. */
const idBytes = 4

/** Turns whatever a call threw into what the client is told. */
export class WireErrors {
  readonly #log: Log
  readonly #random: (count: number) => Uint8Array
  readonly #debug: boolean

  /** With `debug` clients get tracebacks. */
  constructor(log: Log, random: (count: number) => Uint8Array, debug: boolean) {
    this.#log = log
    this.#random = random
    this.#debug = debug
  }

  /** An error of ours keeps its type and text; any other is an incident, of which the client learns the id. */
  toWire(thrown: unknown, call: string): WireException {
    const traceback = this.#debug && thrown instanceof Error ? (thrown.stack ?? '') : ''
    if (thrown instanceof CloisterError) return { type: thrown.wireType, message: withCause(thrown), traceback }
    const id = Array.from(this.#random(idBytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#log.error('a call failed unexpectedly', { incident: id, call, error: thrown })
    return {
      type: 'QubesException',
      message: msg`Internal error, incident ${id}: the log of cloisterd tells more`,
      traceback,
    }
  }
}

/** The message with its causes, unless it tells them itself. */
function withCause(error: CloisterError): Message {
  if (error.cause === undefined) return error.text
  const causes = errorChain(error.cause)
  if (error.message.includes(causes)) return error.text
  return { format: `${error.text.format}: %s`, fields: [...error.text.fields, causes] }
}
