/**
 * An event as subscribers see it: texts only (reference: admin-api, 6.1). `domain` is the name of the domain that the event is
 * about, or undefined for the system as a whole.
 */
export interface CoreEvent {
  readonly domain: string | undefined
  readonly name: string
  /** True for an event about a removed domain: only subscribers of this one domain get it. */
  readonly afterRemoval?: true
  readonly pairs: readonly (readonly [key: string, value: string])[]
}
