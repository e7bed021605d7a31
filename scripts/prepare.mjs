// Makes a checkout ready for a command: `node scripts/prepare.mjs demo|test|bench`. Runs on Node 18 and needs nothing
// installed: what comes first here are the npm packages, and with them the Node that everything else runs on.
// Ends with status 3 when only the user can go on (the message says how).

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const oldestNode = 24
/** Exit status of `flock` when somebody else prepares. */
const busy = 75

const args = process.argv.slice(2)
process.exit(args[0] === '--locked' ? prepare(args.slice(1)) : prepareLocked(args))

/** One preparation at a time: the kernel keeps the lock for as long as this process or a child of it lives. */
function prepareLocked(args) {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const command = [join(cache, 'prepare.lock'), process.execPath, self, '--locked', ...args]
  const status = run('flock', ['-n', '-E', String(busy), ...command])
  if (status !== busy) return status
  console.log('… waiting for another preparation of this checkout')
  return run('flock', command)
}

function prepare(args) {
  if (!packagesAreInstalled()) {
    console.log('… npm packages')
    const status = run('npm', ['ci', '--include=dev', '--include=optional'])
    if (status !== 0) return status
    console.log('✓ npm packages')
  }
  return run(findNode(), ['--conditions=@cloister/source', join(root, 'scripts/prepare/main.ts'), ...args])
}

/** Compares the lock file with the one that npm leaves in `node_modules` as the last act of an installation. */
function packagesAreInstalled() {
  const installedFile = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(installedFile)) return false
  const installed = readPackages(installedFile)
  const isInstalled = ([path, locked]) =>
    path === '' || (path in installed ? JSON.stringify(installed[path]) === JSON.stringify(locked) : locked.optional)
  return Object.entries(readPackages(join(root, 'package-lock.json'))).every(isInstalled)
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}

/** The Node that the lock file pins, or this one if it will do. The launchers in `bin` have the same rule. */
function findNode() {
  const pinned = join(root, `node_modules/node-linux-${process.arch}/bin/node`)
  if (existsSync(pinned)) return pinned
  if (Number.parseInt(process.versions.node, 10) >= oldestNode) return process.execPath
  console.error(
    `✗ There is no pinned Node for ${process.platform} on ${process.arch}: install Node ${oldestNode} or later`,
  )
  process.exit(3)
}

/** Runs a program with our own input and output; gives its exit status. */
function run(program, args) {
  const { error, status, signal } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (error) {
    console.error(`✗ Cannot run ${program}: ${error.code === 'ENOENT' ? 'it is not installed' : error.message}`)
    return 1
  }
  if (signal) process.kill(process.pid, signal)
  return status ?? 1
}
