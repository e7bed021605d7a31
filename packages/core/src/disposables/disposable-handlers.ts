import { BaseVM } from '../domains/base-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { SystemObject } from '../domains/system-object.ts'
import type { Disposables } from './disposables.ts'

/** A disposable that stayed because others referred to it is removed when the last of them does not any more. */
export function registerDisposableHandlers(events: Events, disposables: Disposables): void {
  for (const change of ['property-set', 'property-reset'] as const) {
    events.on(BaseVM, change, (_vm, _event, unit) => disposables.reconsider(unit))
    events.on(SystemObject, change, (_system, _event, unit) => disposables.reconsider(unit))
  }
  events.on(SystemObject, 'domain-delete', (_system, _event, unit) => disposables.reconsider(unit))
}
