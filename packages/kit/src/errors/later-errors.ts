/** Errors that came after another one and because of it, by the first error. */
const later = new WeakMap<object, unknown[]>()

/** What failed after an error, while its operation was being undone; the first one first. */
export function laterErrors(error: unknown): readonly unknown[] {
  return (isObject(error) && later.get(error)) || []
}

/**
 * Ends an operation that has failed with `error`: does the work that ends it, and throws that error again, whether the work
 * succeeds or not. A failure of the work is attached to the error (`laterErrors`), so that the cause is never hidden by it.
 */
export async function endFailed(error: unknown, work: () => Promise<unknown> | unknown): Promise<never> {
  try {
    await work()
  } catch (second) {
    if (isObject(error)) later.set(error, [...laterErrors(error), second])
  }
  throw error
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
