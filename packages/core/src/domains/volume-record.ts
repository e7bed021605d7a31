import { booleanWord, msg, QubesValueError } from '@cloister/kit'
import type { Volume, VolumeConfig } from '@cloister/storage'

/** A volume as it is stored with its domain: Qubes' keys and words (reference: storage-and-lifecycle, A.1.3). */
export type VolumeRecord = Readonly<Record<string, string>>

/** What a record says, but for the pool and the source, which are names. */
export interface ParsedVolumeRecord {
  readonly pool: string
  readonly source: string | undefined
  readonly config: Omit<VolumeConfig, 'source'>
}

export function volumeRecord(volume: Volume): VolumeRecord {
  const config = volume.config()
  return {
    name: volume.name,
    pool: volume.pool.name,
    vid: volume.vid,
    revisions_to_keep: String(volume.revisionsToKeep),
    rw: booleanWord(volume.rw),
    save_on_stop: booleanWord(volume.saveOnStop),
    snap_on_start: booleanWord(volume.snapOnStart),
    ...(config.ephemeral !== undefined && { ephemeral: booleanWord(config.ephemeral) }),
    ...(config.size && { size: String(config.size) }),
    ...(volume.source && { source: volume.source.vid }),
  }
}

/** @throws QubesValueError when a key is missing */
export function parseVolumeRecord(record: VolumeRecord): ParsedVolumeRecord {
  const required = (key: string): string => {
    const value = record[key]
    if (value === undefined) throw new QubesValueError(msg`a stored volume has no ${key}`)
    return value
  }
  const flag = (key: string): boolean => required(key) === 'True'
  return {
    pool: required('pool'),
    source: record['source'],
    config: {
      name: required('name'),
      vid: required('vid'),
      rw: flag('rw'),
      saveOnStop: flag('save_on_stop'),
      snapOnStart: flag('snap_on_start'),
      revisionsToKeep: Number(required('revisions_to_keep')),
      ...(record['ephemeral'] !== undefined && { ephemeral: flag('ephemeral') }),
      ...(record['size'] !== undefined && { size: BigInt(record['size']) }),
    },
  }
}
