/**
 * Makes a resource that is released at the end of the bench. Its making cannot be interrupted: when the bench is interrupted
 * meanwhile, the release waits until it is made. @throws Error when the resources have been released already
 */
export async function keep<T>(
  resources: AsyncDisposableStack,
  make: () => Promise<T>,
  putAway: (complete: T) => Promise<void>,
): Promise<T> {
  if (resources.disposed) throw new Error('the resources of the bench have been released')
  const made = make()
  resources.defer(() => made.then(putAway, () => {}))
  return made
}
