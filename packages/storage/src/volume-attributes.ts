import { booleanWord, msg, parseDecimal, parseInteger, QubesValueError } from '@cloister/kit'
import type { Volume } from './volume.ts'
import { checkRevisionsToKeep } from './volume-kinds.ts'

/** A volume as it is stored with its domain. What is missing takes the default of the domain's class. */
export interface StoredVolume {
  readonly name?: string
  readonly pool?: string
  readonly vid?: string
  readonly revisionsToKeep?: number
  readonly rw?: boolean
  readonly saveOnStop?: boolean
  readonly snapOnStart?: boolean
  readonly ephemeral?: boolean
  readonly size?: bigint
  /** The `vid` of the source; empty when it is still to be found among the templates. */
  readonly source?: string
}

/** The stored form of a volume, keys in their order (reference: storage-and-lifecycle, A.1.3). */
export function volumeAttributes(volume: Volume): Record<string, string> {
  const { size, ephemeral } = volume.config()
  return {
    name: volume.name,
    pool: volume.pool.name,
    vid: volume.vid,
    revisions_to_keep: String(volume.revisionsToKeep),
    rw: booleanWord(volume.rw),
    save_on_stop: booleanWord(volume.saveOnStop),
    snap_on_start: booleanWord(volume.snapOnStart),
    ...(ephemeral !== undefined && { ephemeral: booleanWord(ephemeral) }),
    ...(size && { size: String(size) }),
    ...(volume.source && { source: volume.source.vid }),
  }
}

const readers: Readonly<Record<string, (text: string) => Partial<StoredVolume> | undefined>> = {
  name: (name) => ({ name }),
  pool: (pool) => ({ pool }),
  vid: (vid) => ({ vid }),
  source: (source) => ({ source }),
  revisions_to_keep: (text) => ({ revisionsToKeep: checkRevisionsToKeep(parseInteger(text) ?? Number.NaN) }),
  rw: (text) => withBoolean(text, (rw) => ({ rw })),
  save_on_stop: (text) => withBoolean(text, (saveOnStop) => ({ saveOnStop })),
  snap_on_start: (text) => withBoolean(text, (snapOnStart) => ({ snapOnStart })),
  ephemeral: (text) => withBoolean(text, (ephemeral) => ({ ephemeral })),
  size: (text) => {
    const size = parseDecimal(text)
    return size === undefined ? undefined : { size }
  },
  // Written by old versions of Qubes; means nothing any more.
  internal: () => ({}),
}

/** Reads the stored form. @throws QubesValueError for an unknown key or a value that it cannot have */
export function parseVolumeAttributes(attributes: Readonly<Record<string, string>>): StoredVolume {
  let stored: StoredVolume = {}
  for (const [key, text] of Object.entries(attributes)) {
    const part = Object.hasOwn(readers, key) ? readers[key]?.(text) : undefined
    if (!part) throw new QubesValueError(msg`Invalid attribute of a volume: ${key}=${JSON.stringify(text)}`)
    stored = { ...stored, ...part }
  }
  return stored
}

function withBoolean<T>(text: string, make: (value: boolean) => T): T | undefined {
  if (text === 'True') return make(true)
  return text === 'False' ? make(false) : undefined
}
