export { App } from './app.ts'
export type { CoreEvent } from './changes/core-event.ts'
export { defaultDispvmOf } from './disposables/disposables.ts'
export { AdminVM } from './domains/admin-vm.ts'
export { BaseVM, type VMClass, vmClasses } from './domains/base-vm.ts'
export type { PowerControl } from './domains/ports/power-control.ts'
export { featureWithNetvm } from './domains/properties/net-properties.ts'
export { QubesVM } from './domains/qubes-vm.ts'
export { SystemObject } from './domains/system-object.ts'
export { noteUpdates, requestFeatures } from './extensions/guest-announcements.ts'
export { type OpenedApp, type OpenOptions, openApp } from './open-app.ts'
export { cloneDomain } from './operations/clone-domain.ts'
export { createDomain } from './operations/create-domain.ts'
export { createTemplate } from './operations/create-template.ts'
export { currentState } from './operations/current-state.ts'
export { removeFeature, setFeature } from './operations/features.ts'
export { problems } from './operations/problems.ts'
export { resetProperty, setProperty } from './operations/properties.ts'
export { Statistics } from './operations/statistics.ts'
export { systemInfo } from './operations/system-info.ts'
export { addTag, removeTag } from './operations/tags.ts'
export { importStream } from './operations/volumes/import-stream.ts'
export {
  beginImport,
  clearVolume,
  endImport,
  findVolume,
  type OwnedVolume,
  ownerOf,
  resizeVolume,
  revertVolume,
  setVolumeEphemeral,
  setVolumeRevisions,
  setVolumeRw,
  snapshotVolume,
} from './operations/volumes/volume-operations.ts'
export type { AnyProperty } from './properties/property.ts'
export { PropertyHolder } from './properties/property-holder.ts'
export type { DomainStorage, PoolChoice } from './storage/domain-storage.ts'
