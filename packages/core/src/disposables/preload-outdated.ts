import { createHash } from 'node:crypto'
import type { DispVM } from '../domains/disp-vm.ts'
import { preloadFeatures } from '../domains/preload-features.ts'
import type { AnyProperty } from '../properties/property.ts'

const fingerprintLength = 16

/** Stands for all that a template says about a disposable that is made of it now, also by default. */
export function fingerprint(vm: DispVM): string {
  const { template } = vm
  const values = compared(vm).map((property) => [property.name, property.format(template?.get(property) ?? null)])
  return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, fingerprintLength)
}

/** True when a preloaded disposable is not what would be made of its template now. */
export async function isOutdated(vm: DispVM): Promise<boolean> {
  const made = vm.features.find(preloadFeatures.completed) ?? vm.features.find(preloadFeatures.inProgress)
  return made !== fingerprint(vm) || differs(vm) || (await hasOldVolumes(vm))
}

/** Somebody has given the disposable itself another value. */
function differs(vm: DispVM): boolean {
  return compared(vm).some((property) => vm.get(property) !== vm.template?.get(property))
}

/** What must be the same in a disposable and its template (reference: storage-and-lifecycle, B.6.5). */
function compared({ propertyTable, template }: DispVM): AnyProperty[] {
  const all = [...(template?.propertyTable.values() ?? [])]
  return all.filter(({ name, perInstance }) => !perInstance && propertyTable.has(name))
}

async function hasOldVolumes({ storage, template }: DispVM): Promise<boolean> {
  const [own, source] = await Promise.all([storage.get('private').size(), template?.storage?.get('private').size()])
  return own !== source || (await storage.outdated()).length > 0
}
