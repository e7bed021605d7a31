/**
 * Sees to it that what is being made will be put away, also when somebody breaks off before it is complete: it cannot be
 * stopped on its way, so that putting away waits for it.
 */
export function keep<T>(
  resources: AsyncDisposableStack,
  made: Promise<T>,
  putAway: (complete: T) => Promise<void>,
): Promise<T> {
  resources.defer(() => made.then(putAway, () => {}))
  return made
}
