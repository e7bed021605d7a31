import type { BaseVM, CoreEvent } from '@cloister/core'
import { CloisterError } from '@cloister/kit'

/** Policy refuses a call. The reply is empty; the message stands in the log only. */
export class PolicyRefusal extends CloisterError {}

/** A call before its values have been looked at. */
export interface RequestedCall {
  /** The full name: `admin.vm.property.Set`. */
  readonly name: string
  readonly argument: string
  readonly source: BaseVM
  readonly destination: BaseVM
}

/** The values of a call, as its row decodes them. */
export interface CallValues {
  readonly argument: unknown
  readonly payload: unknown
}

/** What the callers of an endpoint may do and see. Decisions are made at once where that is possible. */
export interface AccessRules {
  /**
   * Decides whether a call may be made.
   * @throws PolicyRefusal for an empty reply; any other CloisterError becomes the reply
   */
  authorise(call: RequestedCall): void | Promise<void>
  /** Decides whether a call may be made with these values. @throws as `authorise` */
  constrain(call: RequestedCall, values: CallValues): void | Promise<void>
  /** Whether lists that `source` asks for show the domain. */
  seesDomain(source: BaseVM, domain: BaseVM): boolean
  /** Whether `source` is told of the event. */
  seesEvent(source: BaseVM, event: CoreEvent): boolean
}

/** The rules of trusted endpoints. */
export const allowEverything: AccessRules = {
  authorise: () => undefined,
  constrain: () => undefined,
  seesDomain: () => true,
  seesEvent: () => true,
}

/**
 * Who calls. `trusted`: the domain that the request names, as the programs that may connect are believed. Otherwise every request
 * comes from the domain of that name, whatever its header says.
 */
export type Identity = 'trusted' | { readonly source: string }
