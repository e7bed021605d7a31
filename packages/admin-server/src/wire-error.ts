import type { WireException } from '@cloister/admin-protocol'
import { AdminVM, type BaseVM } from '@cloister/core'
import { CloisterError, errorChain, type Log, type Message, msg, visibleLines, visibleText } from '@cloister/kit'

/** Length of an incident's id, bytes: enough to find it in the log. */
const idBytes = 4

/** An absolute path: a slash that begins a word, and what can stand in names of files. */
const hostPath = /(?<![\w.…/])\/[\w.@+:-]+(?:\/[\w.@+:-]*)*/g

/** Turns what a call threw into what the client is told. */
export class WireErrors {
  readonly #log: Log
  readonly #random: (count: number) => Uint8Array
  readonly #debug: boolean

  /** With `debug` the admin domain gets tracebacks. */
  constructor(log: Log, random: (count: number) => Uint8Array, debug: boolean) {
    this.#log = log
    this.#random = random
    this.#debug = debug
  }

  /**
   * A CloisterError keeps its type and text; any other error is an incident, of which the client learns the id. Only the
   * admin domain is told paths of the host.
   */
  toWire(thrown: unknown, call: string, source?: BaseVM): WireException {
    const isAdmin = source instanceof AdminVM
    const traceback = this.#debug && isAdmin && thrown instanceof Error ? visibleLines(thrown.stack ?? '') : ''
    if (!(thrown instanceof CloisterError)) {
      return { type: 'QubesException', message: this.#incident(thrown, call), traceback }
    }
    const message = mapTexts(withCause(thrown), isAdmin ? visibleText : (text) => withoutPaths(visibleText(text)))
    return { type: thrown.wireType, message, traceback }
  }

  #incident(thrown: unknown, call: string): Message {
    const id = Array.from(this.#random(idBytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#log.error('a call failed unexpectedly', { incident: id, call, error: thrown })
    return msg`Internal error, incident ${id}: the log of cloisterd tells more`
  }
}

function mapTexts({ format, fields }: Message, change: (text: string) => string): Message {
  return { format: change(format), fields: fields.map((field) => (typeof field === 'string' ? change(field) : field)) }
}

function withoutPaths(text: string): string {
  return text.replaceAll(hostPath, '(a path of the host)')
}

/** The message with its causes, unless the message tells them itself. */
function withCause(error: CloisterError): Message {
  if (error.cause === undefined) return error.text
  const causes = errorChain(error.cause)
  if (error.message.includes(causes)) return error.text
  return { format: `${error.text.format}: %s`, fields: [...error.text.fields, causes] }
}
