import { isDomainName } from '@cloister/admin-protocol'
import { msg, QubesValueError, QubesVMError } from '@cloister/kit'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { refuseDamaged } from '../domains/damage.ts'
import { newUuid } from '../domains/new-uuid.ts'
import { makeDomain } from '../domains/vm-classes.ts'
import type { PoolChoice } from '../storage/domain-storage.ts'
import { initialise, install } from './create-domain.ts'

export interface CloneOptions {
  readonly name: string
  readonly pools: PoolChoice
  readonly creator: BaseVM
}

/** Tags that are not copied (reference: mgmt-dialect, vm.Clone). */
const ownTags = /^(created-by|managed-by|backup)-/
/** Features that are not copied: the state of preloading; how many disposables are wanted is copied. */
const ownFeatures = /^preload-dispvm(?!-max$)/

/** Makes a copy of a domain, all of it or nothing (reference: mgmt-dialect, vm.Clone). */
export async function cloneDomain(source: BaseVM, { name, pools, creator }: CloneOptions): Promise<BaseVM> {
  const { app, klass } = source
  if (klass === 'AdminVM' || source instanceof AdminVM) throw new QubesVMError(msg`${source.name} cannot be cloned`)
  refuseDamaged(source, 'clone')
  if (!isDomainName(name)) throw new QubesValueError(msg`${JSON.stringify(name)} is not a name that a domain can have`)
  using _source = source.phase.hold()
  const reserved = app.domains.reserve(name)
  try {
    const vm = makeDomain(app, klass, { name, qid: reserved.qid, uuid: newUuid(app.os.host) })
    initialise(vm, { label: source.label.name, template: source.template })
    copyRecord(source, vm)
    await install(vm, { creator, pools: keptPools(source, pools), fill: () => copyVolumes(source, vm) })
    return vm
  } finally {
    reserved.release()
  }
}

/** Copies all that is stored of a domain but its identity and its volumes. */
function copyRecord(source: BaseVM, vm: BaseVM): void {
  for (const [property, value] of source.explicitProperties()) {
    if (!property.clone || property.name === 'installed_by_rpm' || !vm.isDefault(property)) continue
    vm.load(property.name, value === null ? null : property.format(value))
  }
  for (const feature of source.features.names()) {
    if (!ownFeatures.test(feature)) vm.features.load(feature, source.features.find(feature) ?? '')
  }
  for (const tag of source.tags.list()) if (!ownTags.test(tag)) vm.tags.load(tag)
  vm.firewall.load(source.firewall.own)
  vm.loadNotes(source.notes)
}

/** Volumes stay in the pools that they are in, unless the caller wants them elsewhere. */
function keptPools(source: BaseVM, { pool, pools }: PoolChoice): PoolChoice {
  if (pool !== undefined) return { pool }
  const kept = new Map<string, string>()
  for (const volume of source.storage?.stored() ?? []) {
    if (volume.rw && !volume.snapOnStart) kept.set(volume.name, volume.pool.name)
  }
  for (const [name, chosen] of pools ?? []) kept.set(name, chosen)
  return { pools: kept }
}

async function copyVolumes(source: BaseVM, vm: BaseVM): Promise<void> {
  for (const volume of vm.storage?.stored() ?? []) {
    const original = volume.saveOnStop ? source.storage?.get(volume.name) : undefined
    if (original) await volume.importVolume(original)
  }
}
