import type { BigIntStats } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { CliError } from './cli-error.ts'
import { exitStatus } from './exit-status.ts'

/** Data from a file or from standard input. */
export interface ByteInput {
  /** What messages call the data. */
  readonly name: string
  /** Bytes; undefined when the number is known only at the end. */
  readonly size: bigint | undefined
  readonly stream: AsyncIterable<Uint8Array>
}

/** As large as what a socket takes in one go. */
const chunkSize = 256 << 10

/** How standard input is called on the command line. */
export const standardInput = '-'

function unreadable(path: string, cause: unknown): CliError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const why = { ENOENT: 'there is no such file', EACCES: 'this user may not read it', EISDIR: 'it is a folder' }[code]
  return new CliError(
    `cannot read ${path}: ${why ?? code}`,
    exitStatus.failure,
    'name a file, or "-" for standard input',
    {
      cause,
    },
  )
}

const sectorSize = 512n

/** The number of a device in two parts, as in the names below `/sys/dev` (makedev(3)). */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

/** How many bytes a file or a block device holds; undefined for a pipe, which tells only by its end. */
async function sizeOf(stat: BigIntStats): Promise<bigint | undefined> {
  if (stat.isFile()) return stat.size
  if (!stat.isBlockDevice()) return undefined
  // The kernel counts in sectors of 512 bytes, whatever those of the device are.
  const sectors = await readFile(`/sys/dev/block/${deviceNumber(stat.rdev)}/size`, 'latin1')
  return BigInt(sectors.trim()) * sectorSize
}

/** Opens a file, or standard input for `-`. @throws CliError when there is nothing to read */
export async function openInput(path: string): Promise<ByteInput> {
  if (path === standardInput) return { name: 'standard input', size: undefined, stream: process.stdin }
  try {
    const file = await open(path, 'r')
    const stat = await file.stat({ bigint: true })
    if (stat.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    const stream = file.createReadStream({ highWaterMark: chunkSize })
    return { name: path, size: await sizeOf(stat), stream }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Reads everything, at most `limit` bytes. @throws CliError when there is more */
export async function readAllBytes({ name, stream }: ByteInput, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) throw new CliError(`${name} has more than ${limit} bytes`, exitStatus.usage, 'give less')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
