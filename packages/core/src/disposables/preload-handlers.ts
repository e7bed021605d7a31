import { App } from '../app.ts'
import type { EventBus } from '../changes/event-bus.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import { AppVM, template as templateOfAppVM } from '../domains/app-vm.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import type { ChangeEvents } from '../domains/domain-events.ts'
import { preloadFeatures, unlist } from '../domains/preload-features.ts'
import { templateForDispvms } from '../domains/properties/dvm-template.ts'
import { defaultDispvm } from '../domains/properties/global-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import type { ChangeUnit } from '../properties/property.ts'
import { notCompared } from './preload-outdated.ts'

type Change = ChangeEvents['property-set']

/** When disposables are preloaded, replaced and removed (reference: storage-and-lifecycle, B.6.5). */
export function registerPreloadHandlers(events: EventBus): void {
  for (const cause of ['start', 'used', 'autostart'] as const)
    events.onLife(BaseVM, `domain-preload-dispvm-${cause}`, (template) => template.app.preloads.fill(template))
  for (const change of ['domain-feature-set', 'domain-feature-delete'] as const)
    events.on(BaseVM, change, (vm, _event, unit) => followMax(vm, unit), preloadFeatures.max)
  for (const change of ['property-set', 'property-reset'] as const) {
    events.on(App, change, followDefault, defaultDispvm.name)
    events.on(BaseVM, change, (vm, _event, unit) => follow(vm, unit, 'template_for_dispvms'), templateForDispvms.name)
    events.on(BaseVM, change, (vm, { name }) => {
      if (!notCompared.has(name)) vm.app.preloads.refreshLater(vm)
    })
  }
  events.on(
    AppVM,
    'property-pre-set',
    (vm, _change, unit) => vm.app.preloads.renew(unit, vm, 'the template was changed'),
    templateOfAppVM.name,
  )
  events.on(App, 'domain-delete', (_app, { vm }, unit) => {
    if (vm instanceof DispVM && vm.template) unlist(unit, vm.template, [vm.name])
  })
  registerLife(events)
}

function registerLife(events: EventBus): void {
  events.onLife(DispVM, 'domain-qdb-create', (vm) => vm.app.preloads.starts.refuseCancelled(vm))
  events.onLife(DispVM, 'domain-start', (vm) => vm.app.preloads.starts.awaitReady(vm))
  events.onLife(DispVM, 'domain-unpaused', (vm) => vm.app.preloads.noteUnpaused(vm))
  events.onLife(QubesVM, 'domain-shutdown', (vm) => {
    const reason = `${vm.name} was shut down`
    vm.app.preloads.refresh(vm, reason)
    if (!(vm instanceof TemplateVM)) return
    for (const { holder } of vm.app.references.of(vm, templateOfAppVM.name))
      if (holder instanceof QubesVM) vm.app.preloads.refresh(holder, reason)
  })
}

/** What the admin domain says is about the system's default. */
function followMax(vm: BaseVM, unit: ChangeUnit): void {
  const template = vm instanceof AdminVM ? vm.app.defaultDispvm : vm
  if (template) follow(template, unit, preloadFeatures.max)
}

function followDefault(app: App, { oldvalue }: Change, unit: ChangeUnit): void {
  for (const template of [oldvalue, app.defaultDispvm])
    if (template instanceof BaseVM) follow(template, unit, defaultDispvm.name)
}

function follow(template: BaseVM, unit: ChangeUnit, what: string): void {
  template.app.afterwards(unit, async () => template.app.preloads.begin(template, `${what} was changed`))
}
