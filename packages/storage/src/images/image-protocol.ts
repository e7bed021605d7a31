import { msg, StoragePoolException } from '@cloister/kit'
import { type Step, step } from '../steps.ts'
import type { HeldSource } from './image-engines.ts'
import type { ImageFiles } from './image-files.ts'

// The operations as lists of steps (reference: storage-and-lifecycle, A.4.3 to A.4.6 with the table of what a power loss
// leaves). Two rules hold everywhere: at every instant the clean or the dirty image holds the last committed state; the content
// of a file is durable before the file gets its final name. Files that only a running domain needs (all files of snapshots and
// volatile volumes) are not synced: after a power loss no domain runs, and the next start makes new ones.

/** Frees the names of a new volume's files: removes files of a volume whose removal had begun, and moves all other files aside. */
function freeNames(image: ImageFiles, removed: boolean): Step[] {
  const remove = step('remove the files of an earlier volume of this name', () => image.removeFiles())
  return removed ? [remove] : [step('move images of an unknown volume aside', () => image.moveAside()), remove]
}

/**
 * A new volume with an empty image. One sync makes all names durable.
 * @param removed true when existing files belong to an earlier volume of this name whose removal had begun
 */
export function createOrigin(image: ImageFiles, size: bigint, removed: boolean): Step[] {
  return [
    ...freeNames(image, removed),
    step('make the folder', () => image.makeFolder()),
    step('write the image', () => image.writeSparse(image.names.clean, size)),
    step('prepare the first start', () => image.writePrecache()),
    step('make the names durable', () => image.syncNames()),
  ]
}

/** A new volume that is not saved, which has no file before its domain starts; `removed` as for `createOrigin`. */
export function createUnsaved(image: ImageFiles, removed: boolean): Step[] {
  return freeNames(image, removed)
}

/** Gives the domain a copy of the committed state to write to. */
export function startOrigin(image: ImageFiles): Step[] {
  return [
    step('check that the image is there', () => requireFile(image, image.names.clean)),
    step('check the prepared copy', () => image.removeStalePrecache()),
    step('make the running copy', () => image.makeDirty()),
  ]
}

/**
 * Gives the domain the committed image itself (A.1.5). Revisions are removed first; when snapshots share the file, the domain
 * gets a copy. With `resumes` the domain has the image already, from a run that ended in a crash.
 */
export function startInPlace(image: ImageFiles, resumes: boolean): Step[] {
  const { clean, dirty, precache } = image.names
  const prepare = [pruneDurably(image), step('remove the prepared copy', () => image.remove(precache))]
  if (resumes) return prepare
  return [
    ...prepare,
    step('check that the image is there', () => requireFile(image, clean)),
    step('copy the image if snapshots or revisions share it', () => image.unshareClean()),
    step('hand over the image', () => image.rename(clean, dirty)),
  ]
}

/** Removes the files of the last run and makes the folder, for a start whose files need not survive a power loss. */
function prepareUnsaved(image: ImageFiles): Step[] {
  return [
    step('remove the files of an earlier run', () => image.removeFiles('dirty', 'overlay', 'clean', 'sourceRecord')),
    step('make the folder', () => image.makeFolderUnsynced()),
  ]
}

function holdSource(image: ImageFiles, source: HeldSource): Step[] {
  const { clean } = source.names
  return [
    ...prepareUnsaved(image),
    step('keep the image of its source', () =>
      source.hold(async () => {
        await requireFile(image, clean)
        await image.linkSource(clean)
      }),
    ),
  ]
}

/** Links the committed image of the source, and gives the domain a copy of it, grown to `size` if `size` is larger. */
export function startSnapshot(image: ImageFiles, source: HeldSource, size: bigint): Step[] {
  const { clean, dirty } = image.names
  return [
    ...holdSource(image, source),
    step('make the running copy', () => image.copyUnsynced(clean, dirty)),
    step('grow the running copy', () => growTo(image, dirty, size)),
  ]
}

/** Links the committed image of the source, and gives the domain an overlay for its writes, made by `makeOverlay`. */
export function startOverlay(image: ImageFiles, source: HeldSource, makeOverlay: () => Promise<void>): Step[] {
  return [...holdSource(image, source), step('make the overlay', makeOverlay)]
}

/** Gives the domain an empty image. */
export function startVolatile(image: ImageFiles, size: bigint): Step[] {
  return [
    ...prepareUnsaved(image),
    step('write the image', () => image.files.create(image.names.dirty, { size, mode: 0o600 })),
  ]
}

/** Removes the running copy or overlay, and the link to the source's image. */
export function stopUnsaved(image: ImageFiles): Step[] {
  return [step('remove the running copy', () => image.removeFiles('dirty', 'overlay', 'clean', 'sourceRecord'))]
}

/**
 * Makes the dirty or the imported image (`from`) the committed state. The committed state changes only after the whole image is
 * on disk; the clone for the next start is made last.
 */
export function commit(image: ImageFiles, from: string): Step[] {
  const { clean, dirty, precache } = image.names
  return [
    step('make the new state durable', () => image.files.sync(from)),
    step('keep the old state as a revision', () => image.addRevision()),
    step('remove revisions beyond the limit', () => image.prune()),
    step('remove the stale prepared copy', () => image.remove(precache)),
    step('put the new state in place', () => image.rename(from, clean)),
    // After an import, the dirty image of a crashed run must not replace the imported data at the next stop.
    step('drop the uncommitted state', () => image.remove(dirty)),
    ...prepareNextStart(image),
  ]
}

/** Gives the committed state another size, as a new file: snapshots and revisions keep the old one. */
export function resizeCommitted(image: ImageFiles, size: bigint): Step[] {
  const { clean, precache } = image.names
  return [
    step('remove the stale prepared copy', () => image.remove(precache)),
    step('write the image in its new size', () => image.copy(clean, clean, size)),
    ...prepareNextStart(image),
  ]
}

/** Makes a revision the committed state again; the present one becomes the newest revision. */
export function revertTo(image: ImageFiles, revision: string): Step[] {
  return [
    step('keep the present state as a revision', () => image.addRevision()),
    step('remove the stale prepared copy', () => image.remove(image.names.precache)),
    step('put the revision in place', () => image.restoreRevision(revision)),
    ...prepareNextStart(image),
  ]
}

/** Keeps the present committed state as a revision, within the limit. */
export function keepRevision(image: ImageFiles): Step[] {
  return [step('keep the state as a revision', () => image.addRevision()), pruneDurably(image)]
}

function pruneDurably(image: ImageFiles): Step {
  return step('remove revisions beyond the limit', async () => (await image.prune()) && image.syncNames())
}

function prepareNextStart(image: ImageFiles): Step[] {
  return [step('prepare the next start', async () => (await image.writePrecache()) && image.syncNames())]
}

async function requireFile(image: ImageFiles, path: string): Promise<void> {
  if (!(await image.exists(path))) throw new StoragePoolException(msg`Missing image file ${path}`)
}

async function growTo(image: ImageFiles, path: string, size: bigint): Promise<void> {
  const now = (await image.stat(path))?.size ?? size
  if (now < size) await image.files.truncate(path, size)
}
