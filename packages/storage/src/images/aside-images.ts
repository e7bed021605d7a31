import type { Files } from '@cloister/os'

/** Most images that are remembered; a pool with more of them shows these. */
const most = 1000

/**
 * Images of a pool that were moved aside because a new volume took their names: those found when the pool was opened, and those
 * moved since. No volume has them, so only their owner can tell whether they are needed.
 */
export class AsideImages {
  readonly #paths = new Set<string>()

  note(path: string): void {
    if (this.#paths.size < most) this.#paths.add(path)
  }

  /** Paths of those that are still there. An image that cannot be looked at counts as there. */
  async list(files: Files): Promise<string[]> {
    for (const path of this.#paths) if (await isGone(files, path)) this.#paths.delete(path)
    return [...this.#paths].sort()
  }
}

async function isGone(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)) === undefined
  } catch {
    return false
  }
}
