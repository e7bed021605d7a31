import { booleanWord, msg, parseInteger, QubesValueError } from '@cloister/kit'
import type { Volume, VolumeConfig } from '@cloister/storage'

/** A volume as it is stored with its domain: Qubes' keys and words (reference: storage-and-lifecycle, A.1.3). */
export type VolumeRecord = Readonly<Record<string, string>>

/** A parsed record without its pool and source, which are only names. */
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

/** @throws QubesValueError when a key is missing or has a wrong value */
export function parseVolumeRecord(record: VolumeRecord): ParsedVolumeRecord {
  const fields = new Fields(record)
  return {
    pool: fields.text('pool'),
    source: record['source'],
    config: {
      name: fields.text('name'),
      vid: fields.text('vid'),
      rw: fields.flag('rw'),
      saveOnStop: fields.flag('save_on_stop'),
      snapOnStart: fields.flag('snap_on_start'),
      revisionsToKeep: fields.number('revisions_to_keep'),
      ...(record['ephemeral'] !== undefined && { ephemeral: fields.flag('ephemeral') }),
      ...(record['size'] !== undefined && { size: BigInt(fields.number('size')) }),
    },
  }
}

class Fields {
  readonly #record: VolumeRecord

  constructor(record: VolumeRecord) {
    this.#record = record
  }

  text(key: string): string {
    const value = this.#record[key]
    if (typeof value !== 'string') throw new QubesValueError(msg`a stored volume has no ${key}`)
    return value
  }

  flag(key: string): boolean {
    const value = this.text(key)
    if (value !== 'True' && value !== 'False')
      throw new QubesValueError(msg`${key} of a stored volume is neither True nor False`)
    return value === 'True'
  }

  number(key: string): number {
    const value = parseInteger(this.text(key))
    if (value === undefined) throw new QubesValueError(msg`${key} of a stored volume is not a number`)
    return value
  }
}
