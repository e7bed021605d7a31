export { App } from './app.ts'
export { AdminVM } from './domains/admin-vm.ts'
export { BaseVM, type VMClass, vmClasses } from './domains/base-vm.ts'
export type { DomainStorage, PoolChoice } from './domains/domain-storage.ts'
export type { LifeCycle } from './domains/life-cycle.ts'
export { featureWithNetvm } from './domains/net-vm.ts'
export { QubesVM } from './domains/qubes-vm.ts'
export type { CoreEvent } from './events/core-event.ts'
export { reservedFeatures } from './extensions/feature-rules.ts'
export { noteUpdates, requestFeatures } from './extensions/guest-announcements.ts'
export type { Log } from './log.ts'
export { type OpenedApp, type OpenOptions, openApp } from './open-app.ts'
export { startAutomatically } from './operations/autostart.ts'
export { cloneDomain } from './operations/clone-domain.ts'
export { createDomain } from './operations/create-domain.ts'
export { createTemplate } from './operations/create-template.ts'
export { currentState } from './operations/current-state.ts'
export { defaultDispvmOf } from './operations/disposables.ts'
export { resumeHost, suspendHost } from './operations/host-sleep.ts'
export { importStream } from './operations/import-stream.ts'
export { removeDomainSafely } from './operations/remove-domain.ts'
export { watchStatistics } from './operations/statistics.ts'
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
} from './operations/volume-operations.ts'
export type { AnyProperty } from './properties/property.ts'
export { PropertyHolder } from './properties/property-holder.ts'
