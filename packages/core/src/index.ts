export { App } from './app.ts'
export { defaultDispvmOf } from './disposables/disposables.ts'
export { AdminVM } from './domains/admin-vm.ts'
export { BaseVM, type VMClass, vmClasses } from './domains/base-vm.ts'
export type { CoreEvent } from './domains/domain-events.ts'
export { featureWithNetvm } from './domains/properties/net-properties.ts'
export { QubesVM } from './domains/qubes-vm.ts'
export { reservedFeatures } from './extensions/feature-rules.ts'
export { noteUpdates, requestFeatures } from './extensions/guest-announcements.ts'
export { startAutomatically } from './life/autostart.ts'
export { resumeHost, suspendHost } from './life/host-sleep.ts'
export type { LifeCycle } from './life/life-cycle.ts'
export type { Log } from './log.ts'
export { type OpenedApp, type OpenOptions, openApp } from './open-app.ts'
export { cloneDomain } from './operations/clone-domain.ts'
export { createDomain } from './operations/create-domain.ts'
export { createTemplate } from './operations/create-template.ts'
export { currentState } from './operations/current-state.ts'
export { removeDomainSafely } from './operations/remove-domain.ts'
export { watchStatistics } from './operations/statistics.ts'
export { fillFile, importStream } from './operations/volumes/import-stream.ts'
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
