import { readFileSync } from 'node:fs'

/** Families of Linux distributions whose packages we can name. @typedef {'debian' | 'ubuntu' | 'other'} Distribution */

/** @type {readonly Distribution[]} */
const known = ['ubuntu', 'debian']

/** What this machine runs, from `/etc/os-release` (its manual page: os-release(5)). @returns {Distribution} */
export function distribution() {
  try {
    return familyOf(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return 'other'
  }
}

/**
 * The family that a text in the format of os-release names, itself or as what it is like.
 * @param {string} osRelease
 * @returns {Distribution}
 */
export function familyOf(osRelease) {
  const names = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, value = '']) => value.split(' '))
  return known.find((family) => names.includes(family)) ?? 'other'
}
