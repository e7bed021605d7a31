import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCode, type Processes } from '@cloister/os'
import { buildInitramfs } from './initramfs.ts'
import { KernelModules } from './kernel-modules.ts'
import { buildRootImage } from './root-image.ts'

/** A kernel: the host's, or one that was unpacked from a package and is not installed. */
export interface Kernel {
  readonly version: string
  readonly image: string
  /** Folder of its modules, such as `/lib/modules/6.1.0-56-cloud-amd64`. */
  readonly modules: string
}

/** Modules without which the guest does not boot. */
export const requiredModules: readonly string[] = ['virtio_pci', 'virtio_blk', 'ext4', 'evdev']
/** Modules that the guest gets when the kernel has them. */
const usefulModules = [
  'button',
  'gpio_pl061',
  'gpio_keys',
  'virtio_console',
  'virtio_net',
  'virtio_balloon',
  'virtio_rng',
  'pvpanic_pci',
]

const recipe = fileURLToPath(new URL('.', import.meta.url))
const stampName = 'made-from'
/**
 * Options for emulation. `cryptomgr.notests`: the kernel does not test all its ciphers at each boot, which takes 0.3 s.
 * `no_timer_check`: the kernel does not test whether timer interrupts arrive in time. On a busy host they do not, and the test
 * ends in a panic ("IO-APIC + timer doesn't work").
 */
const emulationOptions = 'cryptomgr.notests no_timer_check'
const serialConsoles: Readonly<Record<string, string>> = { x64: 'ttyS0', arm64: 'ttyAMA0' }

/** Builds the guest at `target`, and replaces an older one: `root.img`, and `kernel/` in the form of a kernels folder. */
export async function buildGuest(target: string, kernel: Kernel, busybox: string, processes: Processes): Promise<void> {
  const fresh = `${target}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(join(fresh, 'kernel'), { recursive: true })
  await buildKernelFolder(join(fresh, 'kernel'), kernel, busybox, processes)
  await buildRootImage(join(fresh, 'root.img'), busybox, processes)
  await writeFile(join(fresh, stampName), await fingerprint(busybox))
  await rm(target, { recursive: true, force: true })
  await rename(fresh, target)
}

/** True when the guest at `target` was built from this busybox by this recipe. */
export async function guestIsBuilt(target: string, busybox: string): Promise<boolean> {
  try {
    return (await readFile(join(target, stampName), 'utf8')) === (await fingerprint(busybox))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Reference: storage-and-lifecycle, A.7 (names) and B.9 (the common options stand before the domain's own, so a space ends them). */
async function buildKernelFolder(folder: string, kernel: Kernel, busybox: string, processes: Processes): Promise<void> {
  const available = await KernelModules.open(kernel.modules, processes)
  const wanted = [...requiredModules, ...usefulModules.filter((name) => available.has(name))]
  const initramfs = await buildInitramfs(await readFile(busybox), await available.inLoadingOrder(wanted))
  const console = serialConsoles[process.arch] ?? 'ttyS0'
  await copyFile(kernel.image, join(folder, 'vmlinuz'))
  await writeFile(join(folder, 'initramfs'), initramfs)
  await writeFile(
    join(folder, 'default-kernelopts-common.txt'),
    `root=/dev/vda rw console=${console} quiet panic=-1 ${emulationOptions} \n`,
  )
}

/** A digest of what the guest is made from, apart from the kernel: a newer kernel is no reason to build the guest again. */
async function fingerprint(busybox: string): Promise<string> {
  const hash = createHash('sha256').update(await readFile(busybox))
  const entries = await readdir(recipe, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) hash.update(file.slice(recipe.length)).update(await readFile(file))
  return hash.digest('hex')
}
