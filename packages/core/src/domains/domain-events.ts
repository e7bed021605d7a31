import type { EventBus } from '../changes/event-bus.ts'
import type { PropertyEvents } from '../properties/property-events.ts'
import type { PoolEvents } from '../storage/pool-events.ts'
import type { BaseVM } from './base-vm.ts'

/**
 * Events fired while something is changed, inside a unit of work: handlers are synchronous, a handler of a `-pre-` event
 * vetoes by throwing. Names after a colon (`property-set:netvm`) are the variant (reference: admin-api, 6.2). A subsystem on a
 * floor above adds its own events by declaration merging.
 */
export interface ChangeEvents extends PropertyEvents, PoolEvents {
  'domain-add': { readonly vm: BaseVM }
  'domain-pre-delete': { readonly vm: BaseVM }
  'domain-delete': { readonly vm: BaseVM }
  'domain-tag-add': { readonly tag: string }
  'domain-tag-delete': { readonly tag: string }
  'domain-feature-pre-set': { readonly feature: string; readonly value: string; readonly oldvalue?: string }
  'domain-feature-set': { readonly feature: string; readonly value: string; readonly oldvalue?: string }
  'domain-feature-pre-delete': { readonly feature: string }
  'domain-feature-delete': { readonly feature: string }
  'domain-create-on-disk': Record<never, never>
  'domain-remove-from-disk': Record<never, never>
  'domain-import-volume': { readonly name: string; readonly source: string }
  'domain-volume-import-begin': { readonly volume: string; readonly size: bigint }
  'domain-volume-import-end': { readonly volume: string; readonly success: boolean }
  'firewall-changed': Record<never, never>
}

/**
 * Events of the life cycle: outside units of work, handlers may be asynchronous and all are awaited (reference:
 * storage-and-lifecycle, B.3). A subsystem on a floor above adds its own by declaration merging.
 */
export interface LifeEvents {
  'domain-pre-start': { readonly start_guid: boolean; readonly mem_required: number }
  'domain-verify-files': Record<never, never>
  'domain-pre-spawn': { readonly start_guid: boolean }
  'domain-spawn': { readonly start_guid: boolean }
  'domain-qdb-create': Record<never, never>
  'domain-pre-unpaused': Record<never, never>
  'domain-unpaused': Record<never, never>
  'domain-start': { readonly start_guid: boolean }
  'domain-start-failed': { readonly reason: string }
  'domain-pre-shutdown': { readonly force: boolean }
  'domain-shutdown-failed': { readonly reason: string }
  'domain-stopped': Record<never, never>
  'domain-shutdown': Record<never, never>
  'domain-pre-paused': Record<never, never>
  'domain-paused': Record<never, never>
  'domain-resumed': Record<never, never>
  'net-domain-connect': { readonly vm: BaseVM }
  'domain-preload-dispvm-start': { readonly reason: string }
  'domain-preload-dispvm-autostart': Record<never, never>
  'domain-preload-dispvm-used': { readonly dispvm: string; readonly delay: number }
}
export type LifeEventName = keyof LifeEvents

/** The bus of all events of the system. */
export type Events = EventBus<ChangeEvents, LifeEvents>
