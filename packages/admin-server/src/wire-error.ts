import type { WireException } from '@cloister/admin-protocol'
import { AdminVM, type BaseVM } from '@cloister/core'
import {
  CloisterError,
  errorChain,
  errorText,
  type Log,
  type Message,
  msg,
  visibleLines,
  visibleText,
} from '@cloister/kit'

/** Length of an incident's id, bytes: enough to find it in the log. */
const idBytes = 4

/** Causes of an error that are told; the rest is in the log. */
const mostCauses = 8

/** An absolute path: a slash that begins a word, and what can stand in names of files. */
const hostPath = /(?<![\w.…/])\/[\w.@+:-]+(?:\/[\w.@+:-]*)*/g

/** What an error of the operating system means, where a user can cause or mend it; undefined for any other error. */
export type ErrorWords = (thrown: unknown) => string | undefined

/** Turns what a call threw into what the client is told. */
export class WireErrors {
  readonly #log: Log
  readonly #random: (count: number) => Uint8Array
  readonly #debug: boolean
  readonly #words: ErrorWords

  /** With `debug` the admin domain gets tracebacks. `words` puts errors of the operating system into words. */
  constructor(log: Log, random: (count: number) => Uint8Array, debug: boolean, words: ErrorWords = () => undefined) {
    this.#log = log
    this.#random = random
    this.#debug = debug
    this.#words = words
  }

  /**
   * A CloisterError keeps its type and text, an error of the operating system is put into words; any other error is an incident,
   * of which the client learns the id. Only the admin domain is told paths of the host.
   */
  toWire(thrown: unknown, call: string, source?: BaseVM): WireException {
    const isAdmin = source instanceof AdminVM
    const traceback = this.#debug && isAdmin && thrown instanceof Error ? visibleLines(thrown.stack ?? '') : ''
    const type = thrown instanceof CloisterError ? thrown.wireType : 'QubesException'
    const message = mapTexts(
      this.#message(thrown, call),
      isAdmin ? visibleText : (text) => withoutPaths(visibleText(text)),
    )
    return { type, message, traceback }
  }

  #message(thrown: unknown, call: string): Message {
    if (thrown instanceof CloisterError) return this.#withCause(thrown)
    const words = this.#words(thrown)
    if (words === undefined) return this.#incident(thrown, call)
    this.#log.warn('a call failed with an error of the operating system', { call, error: thrown })
    return msg`${call} failed: ${words}`
  }

  #incident(thrown: unknown, call: string): Message {
    const id = Array.from(this.#random(idBytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#log.error('a call failed unexpectedly', { incident: id, call, error: thrown })
    return msg`${call} failed with an internal error: the log of cloisterd has the details under incident ${id}`
  }

  /** The message with its causes, unless the message tells them itself. */
  #withCause(error: CloisterError): Message {
    if (error.cause === undefined) return error.text
    const causes = this.#chain(error.cause)
    const isTold = [causes, errorChain(error.cause)].some((text) => error.message.includes(text))
    if (isTold) return error.text
    const { format, fields } = error.text
    return { format: `${format}: %s`, fields: [...fields, causes] }
  }

  #chain(cause: unknown, depth = 0): string {
    const text = this.#words(cause) ?? errorText(cause)
    const next = cause instanceof Error ? cause.cause : undefined
    if (next === undefined || depth === mostCauses || text.includes(errorText(next))) return text
    return `${text}: ${this.#chain(next, depth + 1)}`
  }
}

function mapTexts({ format, fields }: Message, change: (text: string) => string): Message {
  return { format: change(format), fields: fields.map((field) => (typeof field === 'string' ? change(field) : field)) }
}

function withoutPaths(text: string): string {
  return text.replaceAll(hostPath, '(a path of the host)')
}
