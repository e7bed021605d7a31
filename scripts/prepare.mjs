// Makes a checkout ready for a command: `node scripts/prepare.mjs demo|test|bench|fuzz|crash`. Runs on Node 18 without any package.
// Ends with status 3 when the user must do something first; the message says what.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareNpmPackages, runWithNode } from './prepare/npm-packages.mjs'
import { root, run } from './prepare/run.mjs'
import { guestProfiles, prepareSystemPackages, profiles } from './prepare/system-packages.mjs'

const self = fileURLToPath(import.meta.url)
/** Exit status of `flock` when another process prepares the checkout. */
const busy = 75

const [first, second] = process.argv.slice(2)
process.exit(first === '--locked' ? prepare(second) : prepareLocked(first))

/** One preparation at a time: the kernel keeps the lock for as long as this process or a child of it lives. */
function prepareLocked(/** @type {string | undefined} */ name = '') {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const command = [join(cache, 'prepare.lock'), process.execPath, self, '--locked', name]
  const status = run('flock', ['-n', '-E', String(busy), ...command])
  if (status !== busy) return status
  console.log('… waiting for another preparation of this checkout')
  return run('flock', command)
}

/** The Node that builds the guest comes with the npm packages, and a library it needs with the system's. */
function prepare(/** @type {string | undefined} */ name) {
  const profile = profiles.find((known) => known === name)
  if (profile === undefined) {
    console.error(`usage: node scripts/prepare.mjs ${profiles.join('|')}`)
    return 2
  }
  const steps = [
    () => prepareSystemPackages(profile),
    prepareNpmPackages,
    ...(guestProfiles.includes(profile) ? [() => runWithNode('scripts/prepare/guest.ts', [])] : []),
  ]
  for (const step of steps) {
    const status = step()
    if (status !== 0) return status
  }
  console.log('✓ everything is ready')
  return 0
}
