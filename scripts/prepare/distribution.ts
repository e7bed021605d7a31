import { readFile } from 'node:fs/promises'

/** Families of Linux distributions whose packages we can name. */
export type Distribution = 'debian' | 'ubuntu' | 'other'

/** What this machine runs, from `/etc/os-release` (its manual page: os-release(5)). */
export async function distribution(): Promise<Distribution> {
  return familyOf(await readFile('/etc/os-release', 'utf8').catch(() => ''))
}

/** The family that a text in the format of os-release names, itself or as what it is like. */
export function familyOf(osRelease: string): Distribution {
  const names = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(
    ([, value]) => value?.split(' ') ?? [],
  )
  return (['ubuntu', 'debian'] as const).find((family) => names.includes(family)) ?? 'other'
}
