import { readdir, readFile, readlink } from 'node:fs/promises'
import type { InheritedFile } from '@cloister/os'

/** A file that a process has open. */
export interface OpenFile extends InheritedFile {
  readonly descriptor: number
}

/** The bits in the flags of an open file that tell whether it can be written (`O_ACCMODE`). */
const accessMask = 3

/** The pid of the QEMU of a domain; undefined when there is none. */
export async function findQemu(domain: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const args = await commandOf(Number(pid)).catch(() => [])
    if (args.some((argument) => argument.startsWith(`guest=${domain},`))) return Number(pid)
  }
  return undefined
}

/** Program and arguments of a process. */
export async function commandOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
}

/** The open files of a process that have a path, by descriptor. */
export async function openFiles(pid: number): Promise<OpenFile[]> {
  const found: OpenFile[] = []
  const descriptors = (await readdir(`/proc/${pid}/fd`)).map(Number).sort((a, b) => a - b)
  for (const descriptor of descriptors) {
    const path = await readlink(`/proc/${pid}/fd/${descriptor}`)
    if (!path.startsWith('/')) continue
    const flags = /^flags:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1'))?.[1] ?? '0'
    const access = (Number.parseInt(flags, 8) & accessMask) === 0 ? 'read' : 'readwrite'
    found.push({ descriptor, path, access })
  }
  return found
}
