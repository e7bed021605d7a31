import { BaseVM } from '../domains/base-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { SystemObject } from '../domains/system-object.ts'
import type { Disposables } from './disposables.ts'

/** A stopped disposable that other domains refer to is removed after the last reference. */
export function registerDisposableHandlers(events: Events, disposables: Disposables): void {
  for (const change of ['property-set', 'property-reset'] as const) {
    events.on(BaseVM, change, (_vm, _event, unit) => disposables.reconsider(unit))
    events.on(SystemObject, change, (_system, _event, unit) => disposables.reconsider(unit))
  }
  events.on(SystemObject, 'domain-delete', (_system, _event, unit) => disposables.reconsider(unit))
}
