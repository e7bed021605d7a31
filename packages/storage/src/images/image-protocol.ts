import { msg, StoragePoolException } from '@cloister/kit'
import { type Step, step } from '../steps.ts'
import type { HeldSource } from './image-engines.ts'
import type { ImageFiles } from './image-files.ts'

// The operations as lists of steps (reference: storage-and-lifecycle, A.4.3 to A.4.6 with the table of what a power loss
// leaves). Two rules hold everywhere: at every instant one of the clean and the dirty image holds the last committed state;
// the content of a file is durable before the file gets a name that counts. What only a running domain needs (all files of
// snapshots and volatile volumes) is not synced at all: after a power loss no domain runs, and the next start makes new ones.

/** Frees the names of a new volume's files. Files that no removal was meant for are kept, under other names. */
function freeNames(image: ImageFiles, removed: boolean): Step[] {
  const remove = step('remove what an earlier volume of this name left', () => image.removeFiles())
  return removed ? [remove] : [step('move images of an unknown volume aside', () => image.moveAside()), remove]
}

/**
 * A new volume with an empty image. One sync makes all names durable.
 * @param removed whether the files that are there belong to a volume that was being removed
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

/** A new volume that is not saved: it has no file before its domain starts; `removed` as for `createOrigin`. */
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
 * Gives the domain the committed image itself (A.1.5). Revisions are removed first, and snapshots that share the file keep it:
 * then the domain gets a copy. With `resumes` the domain has the image already, since a run that a crash has ended.
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
    step('remove what an earlier run left', () => image.removeFiles('dirty', 'overlay', 'clean', 'sourceRecord')),
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
        await image.adoptClean(clean)
      }),
    ),
  ]
}

/** Gives the committed image of the source a second name, and the domain a copy, grown to `size` if that is more. */
export function startSnapshot(image: ImageFiles, source: HeldSource, size: bigint): Step[] {
  const { clean, dirty } = image.names
  return [
    ...holdSource(image, source),
    step('make the running copy', () => image.copyUnsynced(clean, dirty)),
    step('grow the running copy', () => growTo(image, dirty, size)),
  ]
}

/** As `startSnapshot`; the domain gets a file, made by `makeOverlay`, that takes the differences. */
export function startOverlay(image: ImageFiles, source: HeldSource, makeOverlay: () => Promise<void>): Step[] {
  return [...holdSource(image, source), step('make the file for differences', makeOverlay)]
}

/** Gives the domain an empty image. */
export function startVolatile(image: ImageFiles, size: bigint): Step[] {
  return [
    ...prepareUnsaved(image),
    step('write the image', () => image.files.create(image.names.dirty, { size, mode: 0o600 })),
  ]
}

/** Removes what the domain wrote, and the image that it began from. */
export function stopUnsaved(image: ImageFiles): Step[] {
  return [step('remove the running copy', () => image.removeFiles('dirty', 'overlay', 'clean', 'sourceRecord'))]
}

/**
 * Makes the dirty or the imported image (`from`) the committed state. Nothing changes before all of it is on disk; the clone for
 * the next start is made when nothing can be lost any more.
 */
export function commit(image: ImageFiles, from: string): Step[] {
  const { clean, dirty, precache } = image.names
  return [
    step('make the new state durable', () => image.files.sync(from)),
    step('keep the old state as a revision', () => image.addRevision()),
    step('remove revisions beyond the limit', () => image.prune()),
    step('remove the stale prepared copy', () => image.remove(precache)),
    step('put the new state in place', () => image.rename(from, clean)),
    // After an import, what a crashed run left must not win over the imported data.
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
