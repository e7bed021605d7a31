import type { VolumeInfo } from '@cloister/admin-protocol'
import type { Volume } from '@cloister/storage'

/** Volumes that nobody should look into (reference: mgmt-dialect, vm.volume.Info). */
const internalVolumes: ReadonlySet<string> = new Set(['kernel', 'volatile'])

/** What clients are told of a volume. */
export async function volumeInfo(volume: Volume): Promise<VolumeInfo> {
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
    path: volume.path,
    revisionsToKeep: volume.revisionsToKeep,
    ephemeral: volume.isEphemeral,
    isOutdated,
  }
}

/** Ids of a volume's revisions, oldest first. */
export async function revisionIds(volume: Volume): Promise<string[]> {
  return (await volume.revisions()).map(({ id }) => id)
}
