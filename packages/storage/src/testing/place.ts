import * as fs from 'node:fs/promises'
import { utf8, utf8Text } from '@cloister/kit'
import { ModelledOs, nodeOs, type Os } from '@cloister/os'

/** A place for storage tests: a machine, and a folder on the file system under test. */
export interface Place {
  readonly os: Os
  readonly folder: string
  /** Whether its files can share blocks. */
  readonly reflink: boolean
  /** Part of a file, as text, without what follows the first zero byte. */
  read(path: string, position?: number): Promise<string>
}

const length = 64

/** A machine in memory. */
export function modelledPlace(options: { readonly reflink?: boolean; readonly tickNs?: bigint } = {}): Place & {
  readonly os: ModelledOs
} {
  const os = new ModelledOs({ ...options, folders: ['/pools'] })
  const read = async (path: string, position = 0): Promise<string> =>
    text(os.files.peek(path, BigInt(position), length))
  return { os, folder: '/pools', reflink: options.reflink ?? true, read }
}

/** The machine itself, in a folder of the file system to try. */
export function realPlace(folder: string, reflink: boolean): Place {
  const read = async (path: string, position = 0): Promise<string> => {
    const file = await fs.open(path)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, position)
      return text(buffer.subarray(0, bytesRead))
    } finally {
      await file.close()
    }
  }
  return { os: nodeOs(), folder, reflink, read }
}

/** What a guest does: writes and flushes. */
export async function guestWrites(os: Os, path: string, content: string, position = 0): Promise<void> {
  const file = await os.files.open(path)
  try {
    await file.write(utf8(`${content}\0`), BigInt(position))
    await file.sync()
  } finally {
    await file.close()
  }
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return utf8Text(end < 0 ? bytes : bytes.subarray(0, end)) ?? ''
}
