import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Processes } from '@cloister/os'
import { type Kernel, requiredModules } from '../guest/build-guest.ts'
import { KernelModules } from '../guest/kernel-modules.ts'
import { dependencies, download, updateLists } from './apt.ts'
import { distribution } from './distribution.mjs'

/** Packages that depend on the newest kernel for virtual machines. */
const kernelPackages: Readonly<Record<ReturnType<typeof distribution>, Readonly<Record<string, string>>>> = {
  debian: { x64: 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' },
  ubuntu: { x64: 'linux-image-virtual', arm64: 'linux-image-virtual' },
  other: {},
}
const partOfKernel = /^linux-(?:image|modules|binary)-\d/
const unpackMs = 120_000

/** There is no kernel for a guest, and only the user can install one; the message says how. */
export class NoKernelError extends Error {
  override readonly name: string = 'NoKernelError'

  constructor(whatToDo: string, options?: ErrorOptions) {
    super(`There is no readable kernel in /boot that can run a guest. ${whatToDo}`, options)
  }
}

/** The newest kernel below a folder that holds `boot` and `lib`, readable and able to run a guest; undefined when there is none. */
export async function findKernel(root: string, processes: Processes): Promise<Kernel | undefined> {
  for (const folder of [join(root, 'lib/modules'), join(root, 'usr/lib/modules')]) {
    const versions = await readdir(folder).catch(() => [])
    for (const version of versions.sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))) {
      const modules = join(folder, version)
      const image = await firstReadable([join(root, `boot/vmlinuz-${version}`), join(modules, 'vmlinuz')])
      if (image && (await canRunGuest(modules, processes))) return { version, image, modules }
    }
  }
  return undefined
}

/** Downloads the distribution's kernel for virtual machines and unpacks it into `folder`, without installing it. */
export async function downloadKernel(folder: string, processes: Processes): Promise<void> {
  const meta = kernelPackages[distribution()][process.arch]
  if (meta === undefined) throw new NoKernelError('Install a kernel that has its modules in /lib/modules.')
  const fresh = `${folder}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(join(fresh, 'packages'), { recursive: true })
  await downloadParts(meta, join(fresh, 'packages'), processes)
  for (const file of await readdir(join(fresh, 'packages'))) {
    console.log(`Unpacking ${file}`)
    await processes.run(['dpkg-deb', '-x', join(fresh, 'packages', file), fresh], { timeoutMs: unpackMs })
  }
  await rm(join(fresh, 'packages'), { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await rename(fresh, folder)
}

/** Downloads the packages of a kernel; when that fails, and this is root, it fetches the lists of packages and tries once more. */
async function downloadParts(meta: string, folder: string, processes: Processes): Promise<void> {
  const tryOnce = async (): Promise<void> => download(await kernelParts(meta, processes), folder)
  try {
    await tryOnce()
  } catch (cause) {
    if (process.getuid?.() !== 0) {
      const hint = 'The lists of packages may be missing or too old. Fetch them with:\n\n  sudo apt-get update\n'
      throw new NoKernelError(hint, { cause })
    }
    await updateLists()
    await tryOnce()
  }
}

/** The packages of the kernel that `meta` depends on: image and modules are one package or several. */
async function kernelParts(meta: string, processes: Processes): Promise<string[]> {
  const parts = new Set<string>()
  const add = async (name: string): Promise<void> => {
    for (const needed of await dependencies(name, processes)) {
      if (!partOfKernel.test(needed) || parts.has(needed)) continue
      parts.add(needed)
      await add(needed)
    }
  }
  await add(meta)
  if (parts.size === 0) throw new Error(`The package ${meta} is not known`)
  return [...parts]
}

async function firstReadable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.R_OK)
      return path
    } catch {
      // This file is missing, or only root can read it: the next one is tried.
    }
  }
  return undefined
}

async function canRunGuest(folder: string, processes: Processes): Promise<boolean> {
  try {
    const modules = await KernelModules.open(folder, processes)
    return requiredModules.every((name) => modules.has(name))
  } catch {
    return false
  }
}
