import type { Intent } from '../../changes/intents.ts'

/** What is left of domains that are no part of the system, and could not be removed with them. */
export interface LeftoversPort {
  /** Remembers what `error` kept from being removed, and tries again later. The intent is stored already. */
  add(intent: Intent, error: unknown): void
  /** Removes what an intent to make or to remove a domain names, and ends the intent. @throws what keeps it from being removed */
  clear(intent: Intent): Promise<void>
}
