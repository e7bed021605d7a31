/**
 * An event on its way to subscribers, as it is shown to them: texts only (reference: admin-api, 6.1). `domain` is the name of
 * the domain that the event is about, or undefined for the system as a whole.
 */
export interface CoreEvent {
  readonly domain: string | undefined
  readonly name: string
  /** The domain is gone from the system: only those are told who have subscribed to this one domain. */
  readonly afterRemoval?: true
  readonly pairs: readonly (readonly [key: string, value: string])[]
}
