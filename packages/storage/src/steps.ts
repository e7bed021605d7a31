import { msg, QubesException, StoragePoolException } from '@cloister/kit'
import { failureText, systemErrorWords } from '@cloister/os'

/**
 * One step of an operation on a volume. The process may die after any step, and inside it: the volume then holds its old
 * or its new committed state, and the next operation puts the rest in order.
 */
export interface Step {
  /** What it does, as the end of a sentence that begins with "Cannot". */
  readonly name: string
  run(): Promise<unknown>
}

export function step(name: string, run: () => Promise<unknown>): Step {
  return { name, run }
}

/**
 * Runs the steps one after the other.
 * @throws StoragePoolException naming the operation, the volume and the step; an error made for the user passes unchanged
 */
export async function runSteps(verb: string, vid: string, steps: readonly Step[]): Promise<void> {
  for (const { name, run } of steps) {
    try {
      await run()
    } catch (cause) {
      if (cause instanceof QubesException) throw cause
      const why = failureText(cause)
      throw new StoragePoolException(msg`Cannot ${verb} volume ${vid}: cannot ${name}: ${why}`, { cause })
    }
  }
}

/**
 * The error of filling the file of an import: a StoragePoolException in words for an error of the system that a user can cause
 * or mend, such as a full disk; any other error as it is.
 */
export function importFailure(vid: string, error: unknown): unknown {
  const words = systemErrorWords(error)
  return words === undefined
    ? error
    : new StoragePoolException(msg`Cannot import into volume ${vid}: cannot write the data: ${words}`, { cause: error })
}

/** Answers a question about a volume; a failure of the machine becomes a StoragePoolException that says what was asked. */
export async function inspect<T>(what: string, vid: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof QubesException) throw cause
    throw new StoragePoolException(msg`Cannot read ${what} of volume ${vid}: ${failureText(cause)}`, { cause })
  }
}
