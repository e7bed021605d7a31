import { encodeEvent, type QubesEvent } from '@cloister/admin-protocol'
import type { CoreEvent } from '@cloister/core'

const shown = new WeakMap<CoreEvent, QubesEvent>()
const encoded = new WeakMap<QubesEvent, Uint8Array>()

/** An event as subscribers see it; the same object for all of them. */
export function shownEvent(event: CoreEvent): QubesEvent {
  let seen = shown.get(event)
  if (!seen) {
    seen = { subject: event.domain ?? '', name: event.name, pairs: event.pairs }
    shown.set(event, seen)
  }
  return seen
}

/** The bytes of an event message, encoded once for all subscribers. */
export function encodedEvent(event: QubesEvent): Uint8Array {
  let bytes = encoded.get(event)
  if (!bytes) {
    bytes = encodeEvent(event)
    encoded.set(event, bytes)
  }
  return bytes
}
