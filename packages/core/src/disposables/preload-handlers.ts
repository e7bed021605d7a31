import type { ChangeUnit } from '../changes/change-unit.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import { AppVM, template as templateOfAppVM } from '../domains/app-vm.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import type { ChangeEvents, Events } from '../domains/domain-events.ts'
import { preloadFeatures, unlist } from '../domains/preload-features.ts'
import { templateForDispvms } from '../domains/properties/dvm-template.ts'
import { defaultDispvm } from '../domains/properties/global-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { SystemObject } from '../domains/system-object.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import type { Preloads } from './preloads.ts'

type Change = ChangeEvents['property-set']

/** When disposables are preloaded, replaced and removed (reference: storage-and-lifecycle, B.6.5). */
export function registerPreloadHandlers(events: Events, preloads: Preloads): void {
  for (const cause of ['start', 'used', 'autostart'] as const)
    events.onLife(BaseVM, `domain-preload-dispvm-${cause}`, (template) => preloads.fill(template))
  for (const change of ['domain-feature-set', 'domain-feature-delete'] as const)
    events.on(BaseVM, change, (vm, _event, unit) => refillForFeature(preloads, vm, unit), preloadFeatures.max)
  for (const change of ['property-set', 'property-reset'] as const) {
    events.on(
      SystemObject,
      change,
      (system, event, unit) => refillForDefault(preloads, system, event, unit),
      defaultDispvm.name,
    )
    events.on(
      BaseVM,
      change,
      (vm, _event, unit) => refillAfter(preloads, vm, unit, 'template_for_dispvms'),
      templateForDispvms.name,
    )
    events.on(BaseVM, change, (vm, { name }) => {
      if (!vm.property(name).perInstance) preloads.replaceOutdatedLater(vm)
    })
  }
  events.on(
    AppVM,
    'property-pre-set',
    (vm, _change, unit) => preloads.replaceAll(unit, vm, 'the template was changed'),
    templateOfAppVM.name,
  )
  events.on(SystemObject, 'domain-delete', (_app, { vm }, unit) => {
    if (vm instanceof DispVM && vm.template) unlist(unit, vm.template, [vm.name])
  })
  registerLife(events, preloads)
}

function registerLife(events: Events, preloads: Preloads): void {
  events.onLife(DispVM, 'domain-start', (vm) => preloads.starts.awaitReady(vm))
  events.onLife(DispVM, 'domain-unpaused', (vm) => preloads.noteUnpaused(vm))
  events.onLife(QubesVM, 'domain-shutdown', (vm) => {
    const reason = `${vm.name} was shut down`
    preloads.replaceOutdated(vm, reason)
    if (!(vm instanceof TemplateVM)) return
    for (const { holder } of vm.app.references.of(vm, templateOfAppVM.name))
      if (holder instanceof QubesVM) preloads.replaceOutdated(holder, reason)
  })
}

/** A change of the admin domain's feature concerns the template that `default_dispvm` of the system names. */
function refillForFeature(preloads: Preloads, vm: BaseVM, unit: ChangeUnit): void {
  const template = vm instanceof AdminVM ? vm.app.defaults.dispvm : vm
  if (template) refillAfter(preloads, template, unit, preloadFeatures.max)
}

function refillForDefault(preloads: Preloads, { app }: SystemObject, { oldvalue }: Change, unit: ChangeUnit): void {
  for (const template of [oldvalue, app.defaults.dispvm])
    if (template instanceof BaseVM) refillAfter(preloads, template, unit, defaultDispvm.name)
}

function refillAfter(preloads: Preloads, template: BaseVM, unit: ChangeUnit, what: string): void {
  template.app.changes.afterwards(unit, async () => preloads.startFill(template, `${what} was changed`))
}
