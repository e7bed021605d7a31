import { isDomainName } from '@cloister/admin-protocol'
import { msg, ProtocolError, QubesPropertyValueError, QubesValueError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Intent } from '../changes/intents.ts'
import { template as templateOfAppVM } from '../domains/app-vm.ts'
import type { BaseVM, VMClass } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import { newUuid } from '../domains/new-uuid.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'
import { isDisposableTemplate } from '../domains/properties/dvm-template.ts'
import { checkUpdatesVm } from '../domains/properties/global-properties.ts'
import { guivm } from '../domains/properties/qubes-vm-properties.ts'
import type { System } from '../domains/system.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import { type CreatableClass, makeDomain } from '../domains/vm-classes.ts'
import { automaticTags } from '../extensions/automatic-tags.ts'
import type { DomainStorage, PoolChoice } from '../storage/domain-storage.ts'
import { inheritFromTemplate } from './inherit-from-template.ts'
import { refuseInvalidTag } from './tags.ts'

export interface CreateOptions {
  readonly name: string
  /** Name or index of a label. */
  readonly label: string
  /** Name of the template; empty or missing for the default one. */
  readonly template?: string
  readonly pools?: PoolChoice
  /** The domain that asked for the new one. */
  readonly creator: BaseVM
}

/** Where the template of a new domain comes from when none is named, for classes that have one. */
const defaultTemplates: Readonly<Partial<Record<CreatableClass, (app: System) => BaseVM | null>>> = {
  AppVM: (app) => app.defaults.template,
  DispVM: (app) => app.defaults.dispvm,
}

/**
 * Makes a domain of a class (reference: admin-api, 3.2; storage-and-lifecycle, B.5): its volumes first, then, in one step, all
 * that is stored. When a step fails, nothing is left.
 */
export async function createDomain(app: System, klass: VMClass, options: CreateOptions): Promise<BaseVM> {
  if (klass === 'AdminVM') {
    if (options.template) throw new ProtocolError(msg`AdminVM has no template`)
    throw new QubesPropertyValueError(msg`There can be only one AdminVM`)
  }
  const template = findTemplate(app, klass, options.template)
  if (!isDomainName(options.name))
    throw new QubesValueError(msg`${JSON.stringify(options.name)} is not a name that a domain can have`)
  const label = app.labels.get(options.label)
  const reserved = app.domains.reserve(options.name)
  try {
    const vm = makeDomain(app, klass, { name: options.name, qid: reserved.qid, uuid: newUuid(app.os.host) })
    initialise(vm, { label: label.name, template })
    if (vm instanceof DispVM && template) inheritFromTemplate(vm, template)
    await install(vm, options)
    return vm
  } finally {
    reserved.release()
  }
}

/** Sets the identity, label and template of a new domain; a disposable without a number gets one. */
export function initialise(vm: BaseVM, { label, template }: { label: string; template: BaseVM | undefined }): void {
  if (vm instanceof DispVM && vm.isDefault(dispid)) vm.load(dispid.name, String(vm.app.disposableNumbers.take()))
  vm.load('name', vm.name)
  vm.load('qid', String(vm.qid))
  vm.load('uuid', vm.uuid)
  vm.load(labelOfVM.name, label)
  if (template) vm.load(templateOfAppVM.name, template.name)
}

/** How a new domain joins the system. */
export interface InstallOptions {
  /** The domain that asked for the new one; missing for a disposable that is made in advance. */
  readonly creator?: BaseVM
  readonly pools?: PoolChoice
  /** The domain was asked for as a disposable. */
  readonly disposable?: boolean
  /** Part of the step in which the domain joins the system. */
  readonly joined?: (unit: ChangeUnit) => void
  /** Fills the volumes, which are there but empty, before the domain becomes visible. */
  readonly fill?: (storage: DomainStorage) => Promise<void>
}

/** Makes the volumes of a new domain and adds the domain to the system; when a step fails, nothing is left. */
export async function install(vm: BaseVM, options: InstallOptions): Promise<void> {
  try {
    if (vm.storage) await installWithVolumes(vm, vm.storage, options)
    else await vm.app.changes.make((unit) => join(unit, vm, options))
  } catch (error) {
    vm.discard()
    throw error
  }
}

async function installWithVolumes(vm: BaseVM, storage: DomainStorage, options: InstallOptions): Promise<void> {
  const { app } = vm
  let begun: Intent | undefined
  try {
    storage.prepare(options.pools)
    using _ = app.pools.hold([...storage.stored()].map(({ pool }) => pool))
    const intent = await app.intents.begin('create', vm.name, { volumes: storage.places() })
    begun = intent
    await storage.create()
    await options.fill?.(storage)
    await app.changes.make((unit) => {
      join(unit, vm, options)
      app.intents.end(unit, intent)
    })
  } catch (error) {
    await abandon(vm, storage, begun)
    throw error
  }
}

/** Removes the volumes of a domain that did not come to be. Before there was an intent, none of them was made. */
async function abandon(vm: BaseVM, storage: DomainStorage, intent: Intent | undefined): Promise<void> {
  if (!intent) return storage.forget()
  try {
    await storage.remove()
    await vm.app.changes.make((unit) => vm.app.intents.end(unit, intent))
  } catch (error) {
    vm.app.leftovers.add(intent, error)
  }
}

/** Adds a domain whose volumes exist to the system, and fires the events of its creation (reference: admin-api, 3.2.1). */
function join(unit: ChangeUnit, vm: BaseVM, { creator, disposable = false, joined }: InstallOptions): void {
  const { app } = vm
  for (const tag of automaticTags(vm)) vm.tags.load(tag)
  if (!app.global.get(checkUpdatesVm) && vm.features.find('check-updates') === undefined)
    vm.features.load('check-updates', '')
  app.domains.add(unit, vm)
  vm.register(unit)
  app.events.fire(unit, app.global, 'domain-add', { vm })
  if (creator && !disposable) tagCreator(unit, vm, creator)
  app.events.fire(unit, vm, 'domain-create-on-disk', {})
  if (creator && disposable) tagDisposable(unit, vm, creator)
  joined?.(unit)
}

/** Tags a disposable with the domain that asked for it. */
export function tagDisposable(unit: ChangeUnit, vm: BaseVM, creator: BaseVM): void {
  tagCreator(unit, vm, creator)
  vm.tags.add(unit, `disp-created-by-${creator.name}`)
}

/** Tags a domain with its creator, and gives it the tags and the `guivm` that the creator's features name (reference: admin-api, 8). */
function tagCreator(unit: ChangeUnit, vm: BaseVM, creator: BaseVM): void {
  vm.tags.add(unit, `created-by-${creator.name}`)
  for (const tag of (creator.features.find('tag-created-vm-with') ?? '').split(' ')) {
    if (tag === '') continue
    refuseInvalidTag(tag)
    vm.tags.add(unit, tag)
  }
  const wanted = creator.features.find('set-created-guivm')
  const shower = wanted ? vm.app.domains.find(wanted) : undefined
  if (shower && vm.propertyTable.has(guivm.name)) vm.set(unit, guivm, shower)
}

function findTemplate(app: System, klass: CreatableClass, name: string | undefined): BaseVM | undefined {
  const standard = defaultTemplates[klass]
  if (!standard) {
    if (name) throw new ProtocolError(msg`${klass} has no template`)
    return undefined
  }
  const template = name ? app.domains.get(name) : standard(app)
  if (!template) throw new QubesValueError(msg`No template given, and there is no default for ${klass}`)
  if (klass === 'DispVM' && !isDisposableTemplate(template))
    throw new QubesValueError(msg`${template.name} has no template_for_dispvms`)
  if (klass === 'AppVM' && !(template instanceof TemplateVM))
    throw new QubesPropertyValueError(msg`The template of an AppVM must be a TemplateVM, which ${template.name} is not`)
  return template
}
