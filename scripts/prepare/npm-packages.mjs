import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { onlyTheUser, root, run } from './run.mjs'

const oldestNode = 24
const isNewEnough = Number.parseInt(process.versions.node, 10) >= oldestNode
/** The Node that the lock file pins. */
const pinned = join(root, `node_modules/node-linux-${process.arch}/bin/node`)

/**
 * Installs what the lock file says, unless it is there; gives an exit status. An npm that runs on an old Node leaves out
 * optional packages made for a newer one, so the Node comes first, and the rest is installed by it.
 * @returns {number}
 */
export function prepareNpmPackages() {
  if (areInstalled()) return 0
  console.log('… npm packages')
  const status = (isNewEnough ? 0 : install(['--omit=dev'])) || install(['--include=dev'])
  if (status !== 0) return status
  if (!areInstalled()) {
    console.error('✗ npm has not installed what package-lock.json says; see above')
    return 1
  }
  console.log('✓ npm packages')
  return 0
}

/** npm itself is run by the `node` that comes first in PATH. */
function install(/** @type {readonly string[]} */ options) {
  const PATH = [join(pinned, '..'), process.env['PATH'] ?? ''].join(delimiter)
  return run('npm', ['ci', '--include=optional', '--loglevel=error', ...options], { PATH, NODE_NO_WARNINGS: '1' })
}

/** Runs a script with the Node that the lock file pins, or with this one when it is new enough, as the launchers in `bin` do. */
export function runWithNode(/** @type {string} */ script, /** @type {readonly string[]} */ args) {
  if (!existsSync(pinned) && !isNewEnough) {
    console.error(`✗ No Node is pinned for ${process.platform} on ${process.arch}: install Node ${oldestNode} or later`)
    return onlyTheUser
  }
  const node = existsSync(pinned) ? pinned : process.execPath
  return run(node, ['--conditions=@cloister/source', join(root, script), ...args])
}

/** Compares the lock file with the one that npm leaves in `node_modules` as the last act of an installation. */
function areInstalled() {
  const installedFile = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(installedFile)) return false
  const installed = readPackages(installedFile)
  return Object.entries(readPackages(join(root, 'package-lock.json'))).every(([path, locked]) => {
    const found = installed[path]
    return path === '' || (found ? identity(found) === identity(locked) : locked.optional === true)
  })
}

/** The fields of an entry by which two packages are compared; its other fields depend on npm's version. */
function identity(/** @type {LockedPackage} */ { version, integrity, link, resolved }) {
  return [version, integrity, link && resolved].join()
}

/**
 * @typedef {{ readonly version?: string, readonly integrity?: string, readonly link?: boolean, readonly resolved?: string,
 *   readonly optional?: boolean }} LockedPackage
 * @returns {Readonly<Record<string, LockedPackage>>}
 */
function readPackages(/** @type {string} */ lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}
