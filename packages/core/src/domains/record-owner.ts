import type { Fires, Subject } from '../changes/event-bus.ts'
import type { ChangeEvents } from './domain-events.ts'

/** What features, tags and the firewall of a domain need to know of the domain that they are part of. */
export interface RecordOwner extends Subject {
  /** Number by which the records are stored. */
  readonly qid: number
  /** True while the domain is part of the system: only then its records are stored. */
  readonly registered: boolean
  /** Name of the domain, for error texts. */
  readonly title: string
  readonly system: { readonly events: Fires<ChangeEvents> }
}
