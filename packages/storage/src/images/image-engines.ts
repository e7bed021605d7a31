import { basename } from 'node:path'
import type { Os } from '@cloister/os'
import type { Step } from '../steps.ts'
import type { BlockDevice } from '../volume.ts'
import type { VolumeKind } from '../volume-kinds.ts'
import type { ImageFiles } from './image-files.ts'
import type { ImageNames } from './image-names.ts'
import * as protocol from './image-protocol.ts'

/** Path and format of the guest's disk. */
export type ImageDisk = Pick<BlockDevice, 'path' | 'format' | 'backing'>

/** The source of a snapshot. */
export interface HeldSource {
  readonly names: ImageNames
  /**
   * Runs `work` while the committed image of the source stays in place and no guest writes to it.
   * @throws QubesVMError when the source's domain is writing it
   */
  hold(work: () => Promise<void>): Promise<void>
}

/** The parts of a volume that an engine uses. */
export interface EngineVolume {
  readonly images: ImageFiles
  /** Size of the guest's disk, bytes; for a snapshot the least size. */
  readonly size: bigint
  /** Whether the guest writes the committed image itself. */
  readonly inPlace: boolean
  readonly source: HeldSource | undefined
}

/**
 * Decides what happens to the images of a volume when the volume is created and when its domain starts and stops. An engine
 * looks at the disk and returns steps; the volume runs the steps while it holds its lock.
 */
export interface ImageEngine {
  /** The disk of the running domain. */
  disk(names: ImageNames): ImageDisk
  /** @param volume `removed`: existing files belong to an earlier volume of this name whose removal had begun */
  create(volume: EngineVolume & { readonly removed: boolean }): Step[]
  start(volume: EngineVolume): Promise<Step[]>
  /** Commits or discards the guest's writes; no steps for a volume that was not started. */
  stop(volume: EngineVolume): Promise<Step[]>
}

const rawDisk = ({ dirty }: ImageNames): ImageDisk => ({ path: dirty, format: 'raw' })

/** Saved volumes: the guest's writes are committed at stop. */
const origin: ImageEngine = {
  disk: rawDisk,
  create: ({ images, size, removed }) => protocol.createOrigin(images, size, removed),
  start: async ({ images, inPlace }) => {
    const resumes = await images.exists(images.names.dirty)
    if (inPlace) return protocol.startInPlace(images, resumes)
    return resumes ? [] : protocol.startOrigin(images)
  },
  stop: async ({ images }) => {
    const { dirty } = images.names
    return (await images.exists(dirty)) ? protocol.commit(images, dirty) : []
  },
}

/** The common part of the engines of volumes that are not saved. */
const unsaved: Pick<ImageEngine, 'create' | 'stop'> = {
  create: ({ images, removed }) => protocol.createUnsaved(images, removed),
  stop: async ({ images }) => protocol.stopUnsaved(images),
}

/** Volatile volumes: empty at each start. */
const volatile: ImageEngine = {
  ...unsaved,
  disk: rawDisk,
  start: async ({ images, size }) => protocol.startVolatile(images, size),
}

/** Snapshots that are copied from their source at each start. */
const snapshot: ImageEngine = {
  ...unsaved,
  disk: rawDisk,
  start: async ({ images, size, source }) => (source ? protocol.startSnapshot(images, source, size) : []),
}

/** Snapshots that are at each start a new qcow2 file whose backing file is a hard link to the source's image. */
function overlay(os: Os): ImageEngine {
  return {
    ...unsaved,
    disk: ({ clean, overlay: path }) => ({
      path,
      format: 'qcow2',
      backing: { path: clean, format: 'raw', kind: 'file', rw: false, disposable: true },
    }),
    start: async ({ images, source }) =>
      source ? protocol.startOverlay(images, source, () => makeOverlay(os, images)) : [],
  }
}

/**
 * Creates the qcow2 file. The empty file is created before qemu-img writes to it, with a mode that keeps other users out. The
 * backing file is in the same folder and named without a folder, as the driver of QEMU requires.
 */
async function makeOverlay(os: Os, images: ImageFiles): Promise<void> {
  const { clean, overlay: path } = images.names
  await images.files.create(path, { mode: 0o600 })
  const below = ['-b', basename(clean), '-F', 'raw']
  await os.processes.run(['qemu-img', 'create', '-q', '-f', 'qcow2', ...below, path])
}

/** The engine for a kind of volume. */
export function engineFor(kind: VolumeKind, os: Os, usesOverlays: boolean): ImageEngine {
  if (kind === 'snapshot') return usesOverlays ? overlay(os) : snapshot
  return kind === 'origin' ? origin : volatile
}
