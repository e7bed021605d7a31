/** Volumes that may have a default pool of their own. */
export const poolVolumes: readonly string[] = ['kernel', 'private', 'root', 'volatile']
