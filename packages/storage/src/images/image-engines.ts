import { basename } from 'node:path'
import type { Os } from '@cloister/os'
import type { Step } from '../steps.ts'
import type { BlockDevice } from '../volume.ts'
import type { VolumeKind } from '../volume-kinds.ts'
import type { ImageFiles } from './image-files.ts'
import type { ImageNames } from './image-names.ts'
import * as protocol from './image-protocol.ts'

/** Where the guest's disk is, and of what format. */
export type ImageDisk = Pick<BlockDevice, 'path' | 'format' | 'backing'>

/** The volume whose committed image a snapshot begins from. */
export interface HeldSource {
  readonly names: ImageNames
  /**
   * Runs `work` while the committed image stays where it is and is written by no guest.
   * @throws QubesVMError when the source's domain is writing it
   */
  hold(work: () => Promise<void>): Promise<void>
}

/** What an engine is asked about. */
export interface EngineVolume {
  readonly images: ImageFiles
  /** Size of the guest's disk, bytes; for a snapshot the least size. */
  readonly size: bigint
  /** Whether the guest writes the committed image itself. */
  readonly inPlace: boolean
  readonly source: HeldSource | undefined
}

/**
 * What becomes of the images of a volume when it is made and when its domain starts and stops. Engines look at the disk and
 * answer with steps; the volume runs them while it holds its lock.
 */
export interface ImageEngine {
  /** The disk of the running domain. */
  disk(names: ImageNames): ImageDisk
  /** @param volume `removed` says whether the files that are there belong to a volume that was being removed */
  create(volume: EngineVolume & { readonly removed: boolean }): Step[]
  start(volume: EngineVolume): Promise<Step[]>
  /** Commits or forgets what the guest wrote; no steps for a volume that was not started. */
  stop(volume: EngineVolume): Promise<Step[]>
}

const rawDisk = ({ dirty }: ImageNames): ImageDisk => ({ path: dirty, format: 'raw' })

/** Keeps what the guest wrote. */
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

/** What volumes have in common that keep nothing. */
const unsaved: Pick<ImageEngine, 'create' | 'stop'> = {
  create: ({ images, removed }) => protocol.createUnsaved(images, removed),
  stop: async ({ images }) => protocol.stopUnsaved(images),
}

/** Begins empty at each start. */
const volatile: ImageEngine = {
  ...unsaved,
  disk: rawDisk,
  start: async ({ images, size }) => protocol.startVolatile(images, size),
}

/** Begins at each start as a copy of its source. */
const snapshot: ImageEngine = {
  ...unsaved,
  disk: rawDisk,
  start: async ({ images, size, source }) => (source ? protocol.startSnapshot(images, source, size) : []),
}

/** Begins at each start as a qcow2 file over a second name of its source's image. */
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
 * The file is there before qemu-img fills it, so that no other user can read it. The image below it stands beside it and is
 * named without a folder: the driver of QEMU takes no other.
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
