import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Processes } from '@cloister/os'

/** A module as the kernel loads it: not compressed. */
export interface KernelModule {
  readonly name: string
  readonly data: Uint8Array
}

const moduleFile = /^(?<name>.+)\.ko(?<compression>\.gz|\.xz|\.zst)?$/
const moduleLimit = 32 << 20

/** The modules of one kernel: a folder such as `/lib/modules/6.1.0-56-cloud-amd64`. */
export class KernelModules {
  readonly #processes: Processes
  readonly #builtin: ReadonlySet<string>
  readonly #files: ReadonlyMap<string, string>

  private constructor(processes: Processes, builtin: ReadonlySet<string>, files: ReadonlyMap<string, string>) {
    this.#processes = processes
    this.#builtin = builtin
    this.#files = files
  }

  /** Reads what there is. @throws ENOENT when the folder holds no modules */
  static async open(folder: string, processes: Processes): Promise<KernelModules> {
    const builtin = (await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').filter((line) => line !== '')
    const files = await readdir(join(folder, 'kernel'), { recursive: true })
    return new KernelModules(
      processes,
      new Set(builtin.map(moduleName)),
      new Map(
        files.filter((file) => moduleFile.test(file)).map((file) => [moduleName(file), join(folder, 'kernel', file)]),
      ),
    )
  }

  /** True when the kernel has this module, built in or as a file. */
  has(name: string): boolean {
    return this.#builtin.has(name) || this.#files.has(name)
  }

  /** The files of these modules and of those they need, each after what it needs; what is built in has none. */
  async inLoadingOrder(names: readonly string[]): Promise<KernelModule[]> {
    const order = new Map<string, KernelModule>()
    const add = async (name: string): Promise<void> => {
      if (this.#builtin.has(name) || order.has(name)) return
      const data = await this.#read(name)
      for (const needed of dependencies(data)) await add(needed)
      order.set(name, { name, data })
    }
    for (const name of names) await add(name)
    return [...order.values()]
  }

  async #read(name: string): Promise<Uint8Array> {
    const path = this.#files.get(name)
    if (path === undefined) throw new Error(`The kernel has no module ${name}`)
    const data = await readFile(path)
    if (path.endsWith('.gz')) return gunzipSync(data)
    if (path.endsWith('.zst')) return zstdDecompressSync(data)
    if (!path.endsWith('.xz')) return data
    return (await this.#processes.run(['xz', '-dc'], { input: data, outputLimit: moduleLimit })).stdout
  }
}

/** The name as the kernel knows it: files are called with dashes or underscores, as it happens. */
function moduleName(path: string): string {
  return (moduleFile.exec(basename(path))?.groups?.['name'] ?? basename(path)).replaceAll('-', '_')
}

/**
 * What a module needs, from its section `.modinfo` (strings `key=value`, each with a zero byte at its end). The index
 * that `depmod` makes says the same, but a kernel that was only unpacked has none.
 */
function dependencies(data: Uint8Array): string[] {
  const depends = /(?:^|\0)depends=([^\0]*)\0/.exec(Buffer.from(data).toString('latin1'))?.[1] ?? ''
  return depends === '' ? [] : depends.split(',').map(moduleName)
}
