/** A line that QEMU sends on its monitor. */
export type QmpMessage =
  | { readonly kind: 'greeting'; readonly version: number }
  | { readonly kind: 'reply'; readonly id: string; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: string; readonly errorClass: string; readonly description: string }
  | { readonly kind: 'event'; readonly event: QmpEvent }

/** Something that happened in QEMU. */
export interface QmpEvent {
  /** `SHUTDOWN`, `STOP`, … */
  readonly name: string
  readonly data: JsonObject
}

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A member that must be a whole number from 0 up that a double holds exactly. @throws TypeError */
export function wholeNumber(object: JsonObject, name: string): number {
  const value = object[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`${name} is not a whole number`)
  return value
}

/** A member that must be text. @throws TypeError */
export function text(object: JsonObject, name: string): string {
  const value = object[name]
  if (typeof value !== 'string') throw new TypeError(`${name} is not a text`)
  return value
}

/** A member that must be an object. @throws TypeError */
export function object(parent: JsonObject, name: string): JsonObject {
  const value = parent[name]
  if (!isObject(value)) throw new TypeError(`${name} is not an object`)
  return value
}

/** Objects and lists inside each other at most; QEMU's own replies have about ten. */
const deepestNesting = 64

/**
 * Reads a line of QMP (reference: storage-and-lifecycle, C.3).
 * @throws SyntaxError, TypeError when it is not QMP, RangeError when it nests too deeply
 */
export function parseQmpMessage(line: string): QmpMessage {
  if (nesting(line) > deepestNesting) throw new RangeError(`a line nests more than ${deepestNesting} levels deep`)
  const message: unknown = JSON.parse(line)
  if (!isObject(message)) throw new TypeError('a line is not a JSON object')
  if ('event' in message) return { kind: 'event', event: parseEvent(message) }
  if ('QMP' in message) return { kind: 'greeting', version: parseVersion(object(message, 'QMP')) }
  if ('error' in message) return parseRefusal(message)
  if (!('return' in message)) throw new TypeError('a line is neither greeting, reply nor event')
  return { kind: 'reply', id: text(message, 'id'), value: message['return'] }
}

/** How deeply objects and lists of a JSON text are nested; of a text that is not JSON, any number. */
function nesting(json: string): number {
  let [depth, deepest, inString] = [0, 0, false]
  for (let at = 0; at < json.length; at++) {
    const letter = json[at]
    if (inString && letter === '\\') at++
    else if (letter === '"') inString = !inString
    else if (inString) continue
    else if (letter === '[' || letter === '{') deepest = Math.max(deepest, ++depth)
    else if (letter === ']' || letter === '}') depth--
  }
  return deepest
}

function parseEvent(message: JsonObject): QmpEvent {
  return { name: text(message, 'event'), data: message['data'] === undefined ? {} : object(message, 'data') }
}

/** As major * 1000000 + minor * 1000 + micro. */
function parseVersion(greeting: JsonObject): number {
  const qemu = object(object(greeting, 'version'), 'qemu')
  return wholeNumber(qemu, 'major') * 1_000_000 + wholeNumber(qemu, 'minor') * 1000 + wholeNumber(qemu, 'micro')
}

function parseRefusal(message: JsonObject): QmpMessage {
  const error = object(message, 'error')
  const id = text(message, 'id')
  return { kind: 'refusal', id, errorClass: text(error, 'class'), description: text(error, 'desc') }
}
