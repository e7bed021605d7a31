import {
  vmVolumeClear,
  vmVolumeCloneFrom,
  vmVolumeCloneTo,
  vmVolumeImport,
  vmVolumeImportWithSize,
  vmVolumeInfo,
  vmVolumeList,
  vmVolumeListSnapshots,
  vmVolumeResize,
  vmVolumeRevert,
  vmVolumeSetEphemeral,
  vmVolumeSetRevisionsToKeep,
  vmVolumeSetRw,
  vmVolumeSnapshot,
} from '@cloister/admin-protocol'
import {
  clearVolume,
  findVolume,
  importStream,
  type OwnedVolume,
  resizeVolume,
  revertVolume,
  setVolumeEphemeral,
  setVolumeRevisions,
  setVolumeRw,
  snapshotVolume,
} from '@cloister/core'
import { msg, QubesException, QubesVolumeRevisionNotFoundError } from '@cloister/kit'
import { type Call, type HandledCall, handle, onlyOne } from '../handler.ts'
import { revisionIds, volumeInfo } from '../volume-info.ts'

function volumeOf({ destination, argument }: Pick<Call<string, unknown>, 'destination' | 'argument'>): OwnedVolume {
  return findVolume(destination, argument)
}

/** Runs a change of a volume that has no reply. */
function changing<P>(
  act: (owned: OwnedVolume, payload: P) => Promise<void>,
): (call: Call<string, P>) => Promise<undefined> {
  return async (call) => {
    await act(volumeOf(call), call.payload)
    return undefined
  }
}

export const volumeHandlers: readonly HandledCall[] = [
  handle(vmVolumeList, ({ destination, argument }) => {
    const missing = (): Error => new QubesException(msg`${destination.name} has no volume ${argument ?? ''}`)
    return onlyOne(destination.storage?.names() ?? [], argument, (name) => name, missing)
  }),
  handle(vmVolumeInfo, (call) => volumeInfo(volumeOf(call).volume, call.source)),
  handle(vmVolumeListSnapshots, async (call) => {
    const { volume } = volumeOf(call)
    const missing = (): Error =>
      new QubesVolumeRevisionNotFoundError(msg`${volume.vid} has no revision ${call.payload ?? ''}`)
    return onlyOne(await revisionIds(volume), call.payload, (id) => id, missing)
  }),
  handle(vmVolumeSnapshot, (call) => snapshotVolume(volumeOf(call))),
  handle(vmVolumeRevert, changing(revertVolume), volumeOf),
  handle(vmVolumeResize, changing(resizeVolume), volumeOf),
  handle(
    vmVolumeClear,
    changing((owned) => clearVolume(owned)),
  ),
  handle(vmVolumeImport, async (call) => {
    await importStream(volumeOf(call), call.body)
    return undefined
  }),
  handle(vmVolumeImportWithSize, async (call) => {
    await importStream(volumeOf(call), call.body, call.payload)
    return undefined
  }),
  handle(vmVolumeCloneFrom, (call) => call.app.copies.offer(volumeOf(call), call.source)),
  handle(vmVolumeCloneTo, async (call) => {
    await call.app.copies.take(call.payload, volumeOf(call))
    return undefined
  }),
  handle(vmVolumeSetRevisionsToKeep, changing(setVolumeRevisions), volumeOf),
  handle(vmVolumeSetRw, changing(setVolumeRw), volumeOf),
  handle(vmVolumeSetEphemeral, changing(setVolumeEphemeral), volumeOf),
]
