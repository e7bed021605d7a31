import { msg, StoragePoolException, utf8Text } from '@cloister/kit'
import { errorCode, type Files, failureText } from '@cloister/os'

const optionsLimit = 4096

/** What a kernel's folder holds (reference: storage-and-lifecycle, A.7). */
export interface KernelFiles {
  readonly vmlinuz: string
  readonly initramfs: string | undefined
  /** The image with modules: the disk of the volume `kernel`. */
  readonly modules: string | undefined
  /** Kernel options that go with it, by the situation they are for; one line each. */
  readonly defaultOptions: Readonly<Record<'common' | 'pci' | 'nopci', string | undefined>>
  readonly memoryHotplug: boolean
}

/** True for a name that a kernel's folder can have. */
export function isKernelName(name: string): boolean {
  return /^[A-Za-z0-9_+~][A-Za-z0-9_.+~-]{0,127}$/.test(name)
}

/**
 * The files of an installed kernel.
 * @param dirPath the folder with a folder for each kernel
 * @throws StoragePoolException when there is no such kernel, or a file with its options cannot be read or used
 */
export async function kernelFiles(files: Files, dirPath: string, kernel: string): Promise<KernelFiles> {
  const folder = `${dirPath}/${kernel}`
  const present = async (name: string): Promise<string | undefined> =>
    (await files.stat(`${folder}/${name}`)) && `${folder}/${name}`
  const vmlinuz = isKernelName(kernel) ? await present('vmlinuz') : undefined
  if (!vmlinuz) throw new StoragePoolException(msg`Missing file: ${`${folder}/vmlinuz`}`)
  return {
    vmlinuz,
    initramfs: await present('initramfs'),
    modules: await present('modules.img'),
    defaultOptions: {
      common: await readOptions(files, folder, 'common'),
      pci: await readOptions(files, folder, 'pci'),
      nopci: await readOptions(files, folder, 'nopci'),
    },
    memoryHotplug: (await present('memory-hotplug-supported')) !== undefined,
  }
}

/** Names of the installed kernels, newest version first; none when the folder is missing. */
export async function installedKernels(files: Files, dirPath: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await namesIn(files, dirPath)) {
    if (isKernelName(name) && (await files.stat(`${dirPath}/${name}/vmlinuz`))) found.push(name)
  }
  return found.sort((a, b) => compareVersions(b, a))
}

/** Compares version texts piece by piece, digits as numbers: `6.9.1` comes before `6.12.0`. */
export function compareVersions(a: string, b: string): number {
  return new Intl.Collator('en', { numeric: true }).compare(a, b)
}

async function namesIn(files: Files, folder: string): Promise<string[]> {
  try {
    return await files.list(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** The options in a file; undefined when it is missing. A file that cannot be read makes this kernel alone unusable. */
async function readOptions(files: Files, folder: string, situation: string): Promise<string | undefined> {
  const path = `${folder}/default-kernelopts-${situation}.txt`
  try {
    const text = utf8Text(await files.read(path, optionsLimit))?.trim()
    if (text !== undefined && /^[\x20-\x7e]*$/.test(text)) return text
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined
    throw new StoragePoolException(msg`Cannot read the kernel options in ${path}: ${failureText(cause)}`, { cause })
  }
  throw new StoragePoolException(
    msg`Cannot use the kernel options in ${path}: they are not one line of printable ASCII`,
  )
}
