import type { VolumeInfo } from '@cloister/admin-protocol'
import { AdminVM, type BaseVM } from '@cloister/core'
import type { Volume } from '@cloister/storage'

/** Volumes whose content is of no use to users (reference: mgmt-dialect, vm.volume.Info). */
const internalVolumes: ReadonlySet<string> = new Set(['kernel', 'volatile'])

/** What `source` is told of a volume: only the admin domain is told where on the host the volume is. */
export async function volumeInfo(volume: Volume, source: BaseVM): Promise<VolumeInfo> {
  const [size, usage, isOutdated] = await Promise.all([volume.size(), volume.usage(), volume.isOutdated()])
  return {
    pool: volume.pool.name,
    vid: volume.vid,
    size,
    usage,
    rw: volume.rw,
    internal: internalVolumes.has(volume.name),
    source: volume.source?.vid,
    saveOnStop: volume.saveOnStop,
    snapOnStart: volume.snapOnStart,
    path: source instanceof AdminVM ? volume.path : undefined,
    revisionsToKeep: volume.revisionsToKeep,
    ephemeral: volume.isEphemeral,
    isOutdated,
  }
}

/** Ids of a volume's revisions, oldest first. */
export async function revisionIds(volume: Volume): Promise<string[]> {
  return (await volume.revisions()).map(({ id }) => id)
}
