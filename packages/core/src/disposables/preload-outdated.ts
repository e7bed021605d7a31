import { createHash } from 'node:crypto'
import type { DispVM } from '../domains/disp-vm.ts'
import { preloadFeatures } from '../domains/preload-features.ts'
import type { AnyProperty } from '../properties/property.ts'

const fingerprintLength = 16

/** A hash of the values, explicit or by default, that a disposable gets from its template now. */
export function fingerprint(vm: DispVM): string {
  const { template } = vm
  const values = compared(vm).map((property) => [property.name, property.format(template?.get(property) ?? null)])
  return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, fingerprintLength)
}

/** True when a disposable that was made of the template now would differ from this preloaded one. */
export async function isOutdated(vm: DispVM): Promise<boolean> {
  const made = vm.features.find(preloadFeatures.completed) ?? vm.features.find(preloadFeatures.inProgress)
  return made !== fingerprint(vm) || differs(vm) || (await hasOldVolumes(vm))
}

/** True when a property of the disposable itself was changed. */
function differs(vm: DispVM): boolean {
  return compared(vm).some((property) => vm.get(property) !== vm.template?.get(property))
}

/** The properties that must be equal in a disposable and its template (reference: storage-and-lifecycle, B.6.5). */
function compared({ propertyTable, template }: DispVM): AnyProperty[] {
  const all = [...(template?.propertyTable.values() ?? [])]
  return all.filter(({ name, perInstance }) => !perInstance && propertyTable.has(name))
}

async function hasOldVolumes({ storage, template }: DispVM): Promise<boolean> {
  const [own, source] = await Promise.all([storage.get('private').size(), template?.storage?.get('private').size()])
  return own !== source || (await storage.outdated()).length > 0
}
