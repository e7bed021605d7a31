/** Description of one volume that every domain of a class has (reference: storage-and-lifecycle, A.2). */
export interface VolumeKind {
  readonly name: string
  readonly rw: boolean
  readonly snapOnStart: boolean
  readonly saveOnStop: boolean
  /** Bytes; a snapshot has the size of its source instead. */
  readonly size?: bigint
}

const gib = 1n << 30n
const rootSize = 10n * gib
const privateSize = 2n * gib

const own = (name: string, size: bigint): VolumeKind => ({ name, rw: true, snapOnStart: false, saveOnStop: true, size })
const snapshot = (name: string): VolumeKind => ({ name, rw: true, snapOnStart: true, saveOnStop: false })
const volatile = (size: bigint): VolumeKind => ({
  name: 'volatile',
  rw: true,
  snapOnStart: false,
  saveOnStop: false,
  size,
})

/** Name of the volume with the domain's kernel; it belongs to the pool of kernels and is never stored. */
export const kernelVolume = 'kernel'

/** Volumes of TemplateVM and StandaloneVM. */
export const ownedVolumes: readonly VolumeKind[] = [
  own('root', rootSize),
  own('private', privateSize),
  volatile(rootSize),
]

/** Volumes of AppVM. */
export const appVolumes: readonly VolumeKind[] = [snapshot('root'), own('private', privateSize), volatile(rootSize)]

/** Volumes of DispVM. */
export const disposableVolumes: readonly VolumeKind[] = [
  snapshot('root'),
  snapshot('private'),
  volatile(rootSize + privateSize),
]
