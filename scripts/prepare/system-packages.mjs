import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { distribution } from './distribution.mjs'
import { isStatic } from './elf.mjs'
import { onlyTheUser, run } from './run.mjs'

/** Commands whose needs are known here. @typedef {'demo' | 'test' | 'bench' | 'fuzz' | 'crash'} Profile */

/**
 * A program, library or file of the system that a profile needs.
 * @typedef {object} Need
 * @property {string} name of a file, its path
 * @property {string} package name of the package of Debian and Ubuntu that holds it
 * @property {readonly Profile[]} [profiles] the profiles that need it, if not all
 * @property {'program' | 'library' | 'file'} [kind] `program` if not given
 * @property {NodeJS.Architecture} [machine] the architecture that needs it, if not all
 * @property {(path: string) => boolean} [usable] whether the file that was found can be used
 */

/** @type {readonly Profile[]} */
export const profiles = ['demo', 'test', 'bench', 'fuzz', 'crash']

/** Profiles that run guests. @type {readonly Profile[]} */
export const guestProfiles = ['demo', 'test', 'bench']
/** @type {readonly Profile[]} */
const suites = ['test', 'bench']
/** @type {Readonly<Record<string, readonly [name: string, packageName: string]>>} */
const qemus = {
  x64: ['qemu-system-x86_64', 'qemu-system-x86'],
  arm64: ['qemu-system-aarch64', 'qemu-system-arm'],
}
const [qemu, qemuPackage] = qemus[process.arch] ?? [`qemu-system-${process.arch}`, 'qemu-system']

/** @type {readonly Need[]} */
const needs = [
  { name: 'libatomic.so.1', package: 'libatomic1', kind: 'library' }, // of the pinned Node
  { name: qemu, package: qemuPackage, profiles: guestProfiles },
  { name: 'qemu-img', package: 'qemu-utils', profiles: guestProfiles },
  { name: 'busybox', package: 'busybox-static', usable: isStatic, profiles: guestProfiles },
  { name: 'mkfs.ext4', package: 'e2fsprogs', profiles: guestProfiles },
  { name: 'xz', package: 'xz-utils', profiles: guestProfiles },
  { name: 'mkfs.btrfs', package: 'btrfs-progs', profiles: suites },
  { name: 'mkfs.xfs', package: 'xfsprogs', profiles: suites },
  { name: 'losetup', package: 'mount', profiles: suites },
  { name: '/usr/share/OVMF/OVMF_CODE.fd', package: 'ovmf', kind: 'file', machine: 'x64', profiles: ['test'] },
]

/** The PATH of a user may lack the folders of programs for root. */
const programFolders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
const machines = /** @type {Readonly<Record<string, string>>} */ ({ x64: 'x86_64', arm64: 'aarch64' })
const triplet = `${machines[process.arch] ?? process.arch}-linux-gnu`
const libraryFolders = [`/usr/lib/${triplet}`, `/lib/${triplet}`, '/usr/lib64', '/lib64', '/usr/lib', '/lib']

/** Options with which `apt-get` waits for another one, such as the nightly update, instead of failing. */
const patience = ['-q', '-o', 'DPkg::Lock::Timeout=600']

/**
 * Installs the packages that a profile needs and the machine lacks; as another user than root it prints how. Returns an exit status.
 * @param {Profile} profile
 * @returns {number}
 */
export function prepareSystemPackages(profile) {
  const missing = missingNeeds(profile)
  if (missing.length === 0) return 0
  const packages = [...new Set(missing.map((need) => need.package))]
  if (distribution() === 'other') {
    const names = missing.map(({ name }) => name).join(', ')
    console.error(`✗ Missing: ${names}. Install them with the package manager of your system.`)
    return onlyTheUser
  }
  if (process.getuid?.() !== 0) {
    const command = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
    console.error(`✗ System packages are missing. Install them with:\n\n  ${command}\n`)
    return onlyTheUser
  }
  return install(profile, packages)
}

/** @returns {number} */
function install(/** @type {Profile} */ profile, /** @type {readonly string[]} */ packages) {
  console.log(`… system packages: ${packages.join(', ')}`)
  // When one list of packages cannot be fetched, the packages may be in the others.
  run('apt-get', ['update', ...patience])
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  const status = run('apt-get', ['install', '-y', '--no-install-recommends', ...patience, ...packages], quiet)
  if (status !== 0) return status
  const missing = missingNeeds(profile).map(({ name }) => name)
  if (missing.length > 0) {
    console.error(`✗ Still missing after the installation: ${missing.join(', ')}`)
    return 1
  }
  console.log('✓ system packages')
  return 0
}

function missingNeeds(/** @type {Profile} */ profile) {
  const wanted = needs.filter(({ machine = process.arch }) => machine === process.arch)
  return wanted.filter((need) => (need.profiles?.includes(profile) ?? true) && !isThere(need))
}

function isThere(/** @type {Need} */ { name, kind = 'program', usable }) {
  const folders = { program: programFolders, library: libraryFolders, file: ['/'] }[kind]
  const path = folders.map((folder) => join(folder, name)).find(kind === 'program' ? isExecutable : existsSync)
  return path !== undefined && (usable?.(path) ?? true)
}

function isExecutable(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
