import { readFileSync } from 'node:fs'

/** Families of Linux distributions whose packages are known here. @typedef {'debian' | 'ubuntu' | 'other'} Distribution */

/** @type {readonly Distribution[]} */
const known = ['ubuntu', 'debian']

/** The family of this machine's distribution, from `/etc/os-release` (os-release(5)). @returns {Distribution} */
export function distribution() {
  try {
    return familyOf(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return 'other'
  }
}

/**
 * The family that a text in the format of os-release names, in `ID` or in `ID_LIKE`.
 * @param {string} osRelease
 * @returns {Distribution}
 */
export function familyOf(osRelease) {
  const names = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, value = '']) => value.split(' '))
  return known.find((family) => names.includes(family)) ?? 'other'
}
