import { errorChain, msg, QubesException, QubesValueError, StoragePoolException } from '@cloister/kit'
import { supported, type Volume } from '@cloister/storage'
import { AppVM } from '../../domains/app-vm.ts'
import type { BaseVM } from '../../domains/base-vm.ts'
import { QubesVM } from '../../domains/qubes-vm.ts'
import type { System } from '../../domains/system.ts'
import type { DomainStorage } from '../../storage/domain-storage.ts'

/** A volume with the domain that it belongs to. */
export interface OwnedVolume {
  readonly vm: BaseVM
  readonly storage: DomainStorage
  readonly volume: Volume
}

/** @throws QubesException when the domain has no such volume */
export function findVolume(vm: BaseVM, name: string): OwnedVolume {
  const { storage } = vm
  if (!storage) throw new QubesException(msg`${vm.name} has no volume ${name}`)
  return { vm, storage, volume: storage.get(name) }
}

/** Does `work` on a halted domain, which cannot start before `work` has ended: its phase is `changing`. */
export async function whileHalted<T>(vm: BaseVM, operation: string, work: () => Promise<T>): Promise<T> {
  await vm.phase.settle(vm.app.os.clock, 'replaceVolume')
  return vm.phase.during('replaceVolume', operation, work)
}

/** Stores the configuration of a volume that its driver has changed. */
async function store({ vm, storage, volume }: OwnedVolume): Promise<void> {
  await vm.app.changes.make((unit) => storage.store(unit, volume.name))
}

/** Gives a volume another size; a running guest sees it at once (reference: admin-api, 13.4). */
export async function resizeVolume(owned: OwnedVolume, size: bigint): Promise<void> {
  const { vm, volume } = owned
  await vm.phase.settle(vm.app.os.clock, 'resize')
  vm.phase.require('resize')
  using _vm = vm.phase.hold()
  const run = vm instanceof QubesVM && vm.phase.name === 'running' ? vm.run : undefined
  const before = await volume.size()
  if (run && size < before) {
    throw new StoragePoolException(msg`Cannot shrink ${volume.vid} while ${vm.name} runs: shut it down first`)
  }
  await volume.resize(size)
  try {
    await store(owned)
  } catch (error) {
    await restoreSize(owned, before)
    throw error
  }
  if (!run) return
  await run.domain.blockResize(diskOf(owned), size)
  throw new StoragePoolException(
    msg`The volume ${volume.name} of ${vm.name} has its new size, but no agent in the guest could be asked to grow the file system: grow it there`,
  )
}

async function restoreSize({ vm, volume }: OwnedVolume, size: bigint): Promise<void> {
  try {
    await volume.resize(size)
  } catch (error) {
    vm.app.log.warn('storing the new size of a volume failed, and so did giving the volume its old size again', {
      volume: volume.vid,
      error: errorChain(error),
    })
  }
}

/** Name of the guest's disk that a volume is. */
function diskOf({ storage, volume }: OwnedVolume): string {
  return `vd${String.fromCharCode('a'.charCodeAt(0) + storage.names().indexOf(volume.name))}`
}

/** Goes back to a revision of a volume. */
export async function revertVolume(owned: OwnedVolume, revision: string): Promise<void> {
  const { vm, volume } = owned
  await whileHalted(vm, `reverting its volume ${volume.name}`, async () => {
    await supported(volume, 'revert')(revision)
    await store(owned)
  })
}

/** Begins to replace the content of a volume of a halted domain; returns the file to fill, and how long it must be. */
export async function beginImport(
  { vm, volume }: OwnedVolume,
  size?: bigint,
): Promise<{ readonly path: string; readonly size: bigint }> {
  const expected = size ?? (await volume.size())
  const path = await whileHalted(vm, `importing into its volume ${volume.name}`, () =>
    supported(volume, 'importData')(expected),
  )
  await vm.app.changes.make((unit) =>
    vm.app.events.fire(unit, vm, 'domain-volume-import-begin', { volume: volume.name, size: expected }),
  )
  return { path, size: expected }
}

/** Ends an import: replaces the content of the volume by the new one, or drops the new one. */
export async function endImport(owned: OwnedVolume, success: boolean): Promise<void> {
  const { vm, storage, volume } = owned
  await whileHalted(vm, `ending the import into its volume ${volume.name}`, async () => {
    await supported(volume, 'importDataEnd')(success)
    await vm.app.changes.make((unit) => {
      storage.store(unit, volume.name)
      vm.app.events.fire(unit, vm, 'domain-volume-import-end', { volume: volume.name, success })
    })
  })
}

/** Empties a volume: an import of nothing. */
export async function clearVolume(owned: OwnedVolume): Promise<void> {
  await beginImport(owned)
  await endImport(owned, true)
}

/** Sets whether the guest may write. */
export async function setVolumeRw(owned: OwnedVolume, rw: boolean): Promise<void> {
  const { phase, app } = owned.vm
  await phase.settle(app.os.clock, 'setRw')
  phase.require('setRw')
  await change(owned, (volume) => {
    const before = volume.rw
    volume.rw = rw
    return () => {
      volume.rw = before
    }
  })
}

export async function setVolumeEphemeral(owned: OwnedVolume, ephemeral: boolean): Promise<void> {
  await change(owned, (volume) => {
    const before = volume.ephemeral
    volume.ephemeral = ephemeral
    return () => {
      volume.ephemeral = before
    }
  })
}

/** Sets how many revisions are kept; switching snapshots off or on needs all that use the volume halted (A.1.5). */
export async function setVolumeRevisions(owned: OwnedVolume, count: number): Promise<void> {
  const { vm, volume } = owned
  if (count < -1) throw new QubesValueError(msg`Invalid value for revisions_to_keep: ${count}; it must be at least -1`)
  if ((count === -1) !== (volume.revisionsToKeep === -1)) {
    await vm.phase.settle(vm.app.os.clock, 'switchSnapshots')
    vm.phase.require('switchSnapshots')
    if (vm instanceof AppVM) for (const child of vm.disposables()) child.phase.require('switchSnapshots')
  }
  await change(owned, () => {
    const before = volume.revisionsToKeep
    volume.revisionsToKeep = count
    return () => {
      volume.revisionsToKeep = before
    }
  })
}

async function change({ vm, storage, volume }: OwnedVolume, set: (volume: Volume) => () => void): Promise<void> {
  await vm.app.changes.make((unit) => {
    unit.onRollback(set(volume))
    storage.store(unit, volume.name)
  })
}

/** Makes a revision of the committed state now; returns its id. */
export async function snapshotVolume({ volume }: OwnedVolume): Promise<string> {
  return supported(volume, 'snapshot')()
}

/** The domain that a volume of a pool belongs to. @throws QubesException for a volume that belongs to none, such as a kernel */
export function ownerOf(app: System, volume: Volume): OwnedVolume {
  const owner = app.pools.ownerOf(volume)
  const vm = owner && app.domains.find(owner.name)
  const storage = vm?.storage
  if (!vm || !storage)
    throw new QubesException(msg`The volume ${volume.vid} belongs to no domain and cannot be changed`)
  return { vm, storage, volume }
}
