import { msg, QubesNotImplementedError, QubesValueError, StoragePoolException } from '@cloister/kit'
import type { Volume, VolumeConfig } from './volume.ts'

/**
 * What becomes of a volume when its domain starts and stops (reference: storage-and-lifecycle, A.1.2): an `origin` keeps
 * what the domain wrote, a `snapshot` begins at each start as a copy of its source, a `volatile` one begins empty.
 */
export type VolumeKind = 'volatile' | 'snapshot' | 'origin'

/** The value of `revisionsToKeep` that means: the domain writes the committed image itself (A.1.5). */
export const snapshotsDisabled = -1

type KindConfig = Pick<VolumeConfig, 'name' | 'snapOnStart' | 'saveOnStop' | 'source'>

/**
 * The kind that the flags stand for.
 * @throws StoragePoolException when flags and source contradict each other
 * @throws QubesNotImplementedError for a volume that is both a snapshot and saved: no class of domain uses it
 */
export function volumeKind({ name, snapOnStart, saveOnStop, source }: KindConfig): VolumeKind {
  if (snapOnStart && saveOnStop) {
    throw new QubesNotImplementedError(
      msg`A volume cannot have both snap_on_start and save_on_stop: '${name}' has both`,
    )
  }
  if (snapOnStart && !source) {
    throw new StoragePoolException(msg`snap_on_start specified on '${name}' but no volume source set`)
  }
  if (source && !snapOnStart) {
    throw new StoragePoolException(msg`source specified on '${name}' but no snap_on_start set`)
  }
  if (snapOnStart) return 'snapshot'
  return saveOnStop ? 'origin' : 'volatile'
}

/** True when both stand for the same volume: identity is pool and `vid` together. */
export function sameVolume(one: Volume, other: Volume): boolean {
  return one.pool === other.pool && one.vid === other.vid
}

/** @throws QubesValueError unless the value is a whole number of -1 or more; a text never is */
export function checkRevisionsToKeep(value: number | string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= snapshotsDisabled) return value
  throw new QubesValueError(
    msg`Invalid value for revisions_to_keep: ${value}. Use a whole number from -1 to ${Number.MAX_SAFE_INTEGER}`,
  )
}

/** Whether a volume may be encrypted with a key that is thrown away (A.9): only what starts empty and is written. */
export function canBeEphemeral(volume: Pick<Volume, 'snapOnStart' | 'saveOnStop' | 'rw'>): boolean {
  return volume.rw && !volume.snapOnStart && !volume.saveOnStop
}

/** @throws QubesValueError when `value` is true and the volume cannot be ephemeral; false is always fine */
export function checkEphemeral(
  value: boolean | undefined,
  volume: Pick<Volume, 'snapOnStart' | 'saveOnStop' | 'rw'>,
): boolean | undefined {
  if (!value || canBeEphemeral(volume)) return value
  throw new QubesValueError(
    'Only a writable volume that starts empty can be ephemeral: this one is read-only, or has snap_on_start or save_on_stop',
  )
}

/** @throws StoragePoolException unless the size, in bytes, is positive and a file can have it */
export function checkSize(size: bigint, vid: string): bigint {
  if (size > 0n && size <= BigInt(Number.MAX_SAFE_INTEGER)) return size
  throw new StoragePoolException(msg`Invalid size for volume ${vid}: ${size} bytes`)
}
