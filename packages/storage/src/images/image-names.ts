import { basename, dirname } from 'node:path'

/** Folders of a pool that hold the domains' folders; the first component of every `vid`. */
export const ownerFolders = ['appvms', 'vm-templates'] as const

/** Purpose of a file of a volume (reference: storage-and-lifecycle, A.4.1). */
export type ImageRole = 'clean' | 'dirty' | 'overlay' | 'precache' | 'import' | 'sourceRecord' | 'revision'

/** A file found in a volume's folder that belongs to the volume. */
export interface ImageFile {
  readonly path: string
  readonly role: ImageRole
  /** True for a temporary file of an interrupted replacement. */
  readonly temporary: boolean
}

/** An older committed state. */
export interface RevisionFile {
  readonly path: string
  readonly number: number
  /** UTC, `YYYY-MM-DDTHH:MM:SS`. */
  readonly time: string
}

const suffixes: ReadonlyMap<string, ImageRole> = new Map([
  ['.img', 'clean'],
  ['-dirty.img', 'dirty'],
  ['-dirty.qcow2', 'overlay'],
  ['-precache.img', 'precache'],
  ['-import.img', 'import'],
  ['-source.json', 'sourceRecord'],
])

/** What follows the name of an image that was moved aside, before its number. */
const asideSuffix = '.aside-'

const revisionSuffix = /^\.img\.(\d{1,15})@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z$/

/**
 * True for a `vid` of the drivers that keep images in folders: `appvms/<domain>/<volume>` or `vm-templates/…`. The name of
 * the volume holds no `-`, so that no volume's files look like another's.
 */
export function isImageVid(vid: string): boolean {
  const [folder, domain, volume, ...rest] = vid.split('/')
  return (
    rest.length === 0 &&
    ownerFolders.some((name) => name === folder) &&
    /^[^.\p{Cc}]\P{Cc}{0,199}$/u.test(domain ?? '') &&
    /^[A-Za-z0-9_]{1,40}$/.test(volume ?? '')
  )
}

/** The name for an image that is moved aside. */
export function asideName(path: string, number: number): string {
  return `${path}${asideSuffix}${number}`
}

/** True for the name of an image that was moved aside. */
export function isAsideName(name: string): boolean {
  const [, number] = name.split(asideSuffix)
  return /^\d{1,15}$/.test(number ?? '')
}

/** The names of one volume's files. Nothing here touches a disk. */
export class ImageNames {
  /** The domain's folder. */
  readonly folder: string
  readonly #base: string

  /** @param base the path of the pool and the `vid`, joined */
  constructor(base: string) {
    this.folder = dirname(base)
    this.#base = base
  }

  /** The committed state; for a snapshot a hard link to its source's image, made at start. */
  get clean(): string {
    return `${this.#base}.img`
  }

  /** The image that the running domain writes. */
  get dirty(): string {
    return `${this.#base}-dirty.img`
  }

  /** The same, as a qcow2 overlay of `clean`. */
  get overlay(): string {
    return `${this.#base}-dirty.qcow2`
  }

  /** A clone of `clean`, prepared so that the next start is one rename. */
  get precache(): string {
    return `${this.#base}-precache.img`
  }

  get import(): string {
    return `${this.#base}-import.img`
  }

  /** Records the file from which `clean` was copied, when a hard link was not possible. */
  get sourceRecord(): string {
    return `${this.#base}-source.json`
  }

  /** The revision that keeps an image last modified at that time. */
  revision(number: number, mtimeNs: bigint): string {
    const time = new Date(Number(mtimeNs / 1_000_000n)).toISOString().slice(0, 19)
    return `${this.clean}.${number}@${time}Z`
  }

  /** The role of the file of that name in `folder`; undefined when the file does not belong to this volume. */
  parse(name: string): ImageFile | undefined {
    const [stem = '', temporary] = this.#suffixOf(name)?.split(/~(.*)/s, 2) ?? []
    const role = suffixes.get(stem) ?? (revisionSuffix.test(stem) ? 'revision' : undefined)
    return role && { path: `${this.folder}/${name}`, role, temporary: temporary !== undefined }
  }

  /** The revision that the file of that name in `folder` is, if it is one. */
  parseRevision(name: string): RevisionFile | undefined {
    const [, number, time] = revisionSuffix.exec(this.#suffixOf(name) ?? '') ?? []
    return number && time ? { path: `${this.folder}/${name}`, number: Number(number), time } : undefined
  }

  #suffixOf(name: string): string | undefined {
    const volume = basename(this.#base)
    return name.startsWith(volume) ? name.slice(volume.length) : undefined
  }
}
