import type { Pool } from '@cloister/storage'
import type { BaseVM } from './base-vm.ts'

/**
 * An event on its way to subscribers, as it is shown to them: texts only (reference: admin-api, 6.1). `domain` is the domain
 * it is about, or undefined for the global object.
 */
export interface CoreEvent {
  readonly domain: BaseVM | undefined
  readonly name: string
  readonly pairs: readonly (readonly [key: string, value: string])[]
}

interface PropertyChange {
  readonly name: string
  readonly newvalue?: unknown
  readonly oldvalue?: unknown
}

/**
 * Events fired while something is changed, inside a unit of work: handlers are synchronous, a handler of a `-pre-` event
 * vetoes by throwing. Names after a colon (`property-set:netvm`) are the variant (reference: admin-api, 6.2).
 */
export interface ChangeEvents {
  'domain-add': { readonly vm: BaseVM }
  'domain-pre-delete': { readonly vm: BaseVM }
  'domain-delete': { readonly vm: BaseVM }
  'pool-add': { readonly pool: Pool }
  'pool-pre-delete': { readonly pool: Pool }
  'pool-delete': { readonly pool: Pool }
  'property-pre-set': PropertyChange
  'property-set': PropertyChange
  'property-pre-reset': PropertyChange
  'property-pre-del': PropertyChange
  'property-reset': PropertyChange
  'property-del': PropertyChange
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

/** Events of the life cycle: outside units of work, handlers may be asynchronous and all are awaited (reference: storage-and-lifecycle, B.3). */
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

export type ChangeEventName = keyof ChangeEvents
export type LifeEventName = keyof LifeEvents
