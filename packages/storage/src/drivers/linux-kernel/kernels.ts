import { msg, StoragePoolException, utf8Text } from '@cloister/kit'
import { errorCode, type FileStat, type Files, failureText } from '@cloister/os'

/** Longest file with kernel options, bytes. */
const optionsLimit = 4096

/** The files of a kernel (reference: storage-and-lifecycle, A.7). */
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
 * @throws StoragePoolException that names the file, when there is no such kernel or a file of it cannot be used
 */
export async function kernelFiles(files: Files, dirPath: string, kernel: string): Promise<KernelFiles> {
  const folder = `${dirPath}/${kernel}`
  const present = async (name: string): Promise<string | undefined> =>
    (await regularFile(files, `${folder}/${name}`)) && `${folder}/${name}`
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

/**
 * Names of the installed kernels, newest version first; none when the folder is missing.
 * @throws StoragePoolException when the folder cannot be read
 */
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
    throw new StoragePoolException(msg`The folder ${folder} of the kernels cannot be read: ${failureText(error)}`, {
      cause: error,
    })
  }
}

/** The options in a file; undefined when it is missing. A file that cannot be read makes this kernel alone unusable. */
async function readOptions(files: Files, folder: string, situation: string): Promise<string | undefined> {
  const path = `${folder}/default-kernelopts-${situation}.txt`
  const stat = await regularFile(files, path)
  if (!stat) return undefined
  if (stat.size > optionsLimit)
    throw new StoragePoolException(
      msg`The file ${path} with kernel options has ${stat.size} bytes: it may have at most ${optionsLimit}`,
    )
  const text = utf8Text(await explained(path, files.read(path, optionsLimit)))?.trim()
  if (text !== undefined && /^[\x20-\x7e]*$/.test(text)) return text
  throw new StoragePoolException(msg`The file ${path} with kernel options must be one line of printable ASCII`)
}

/** The regular file that a path leads to; undefined when it is missing. Refuses folders, sockets and devices. */
async function regularFile(files: Files, path: string): Promise<FileStat | undefined> {
  const found = await explained(path, files.stat(path))
  if (!found || found.kind === 'file') return found
  const target = await explained(path, files.resolve(path))
  const stat = target === path ? found : await explained(path, files.stat(target))
  if (stat?.kind === 'file') return stat
  throw new StoragePoolException(msg`The file ${path} of a kernel is not a regular file`)
}

async function explained<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new StoragePoolException(msg`The file ${path} of a kernel cannot be read: ${failureText(cause)}`, { cause })
  }
}
