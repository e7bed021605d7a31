import { errorText } from '@cloister/kit'
import { finalName } from './durable.ts'
import { errorCode } from './files.ts'

/** What a user can cause or mend, by the code of the system's error: what is wrong, and what helps. */
const words: Readonly<Record<string, readonly [what: string, advice?: string]>> = {
  EACCES: ['permission is denied', 'Change owner or mode'],
  EBUSY: ['it is in use'],
  EDQUOT: ['the disk quota is used up', 'Free some space or raise the quota'],
  EEXIST: ['the name is taken'],
  EFBIG: ['the file would be larger than its file system or a limit allows'],
  EINVAL: ['the file system does not support this'],
  EIO: ['the disk has reported an input/output error', 'Check the disk'],
  EISDIR: ['it is a folder'],
  ELOOP: ['symbolic links stand in the way'],
  EMFILE: ['the daemon has too many files open', 'Raise the limit of open files (LimitNOFILE)'],
  EMLINK: ['the file has as many names as its file system allows'],
  ENAMETOOLONG: ['the name is too long'],
  ENFILE: ['the system has too many files open'],
  ENODEV: ['the device is gone'],
  ENOENT: ['there is no such file or folder'],
  ENOLCK: ['the file system cannot lock files'],
  ENOMEM: ['the system has no memory left'],
  ENOSPC: ['no space is left on the file system', 'Free some space'],
  ENOTCONN: ['the file system is not connected'],
  ENOTDIR: ['a part of the path is no folder'],
  ENOTEMPTY: ['the folder is not empty'],
  ENXIO: ['the device is gone'],
  EPERM: ['the operation is not permitted'],
  EROFS: ['the file system is read-only', 'Mount it writable'],
  ESTALE: ['the file system was replaced on its server', 'Mount it again'],
  ETIMEDOUT: ['the file system does not answer'],
  ETXTBSY: ['a program runs from the file'],
  EXDEV: ['the file systems differ'],
}

/**
 * The words for an error of the system that a user can cause or mend, with the path it is about and what helps:
 * `no space is left on the file system (/pool/x.img). Free some space`. Undefined for any other error.
 */
export function systemErrorWords(thrown: unknown): string | undefined {
  const code = errorCode(thrown)
  const [what, advice] = words[code ?? ''] ?? []
  if (!what) return undefined
  const place = thrown instanceof Error && 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : ''
  const path = place && ` (${finalName(place)})`
  return `${what}${path}${advice ? `. ${advice}` : ''}`
}

/** The text of anything that was thrown, in words where it is an error of the system. */
export function failureText(thrown: unknown): string {
  return systemErrorWords(thrown) ?? errorText(thrown)
}
