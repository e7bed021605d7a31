/**
 * Makes something and sees to it that it will be put away, also when somebody breaks off before it is complete: it cannot be
 * stopped on its way, so that putting away waits for it. @throws Error when all has been put away already
 */
export async function keep<T>(
  resources: AsyncDisposableStack,
  make: () => Promise<T>,
  putAway: (complete: T) => Promise<void>,
): Promise<T> {
  if (resources.disposed) throw new Error('everything has been put away')
  const made = make()
  resources.defer(() => made.then(putAway, () => {}))
  return made
}
