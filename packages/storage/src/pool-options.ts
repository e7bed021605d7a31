import { isAbsolute, resolve } from 'node:path'
import { msg, parseBoolean, parseInteger, QubesValueError } from '@cloister/kit'
import { checkRevisionsToKeep } from './volume-kinds.ts'

/** Options of a pool as text, by name. */
export type PoolOptions = Readonly<Record<string, string>>

/** Allows a pool's folder, and the folders above it, to be ones that other users can write to. */
export const sharedFolderOption = 'cloister_shared_folder'

/** The folder in `dir_path`. @throws QubesValueError unless it is an absolute path */
export function folderOption(options: PoolOptions): string {
  const path = options['dir_path'] ?? ''
  if (isAbsolute(path) && !/\p{Cc}/u.test(path)) return resolve(path)
  throw new QubesValueError(msg`Invalid dir_path ${JSON.stringify(path)}: use an absolute path`)
}

/** `revisions_to_keep`, 1 when not given. @throws QubesValueError */
export function revisionsOption(options: PoolOptions): number {
  const text = options['revisions_to_keep'] ?? '1'
  return checkRevisionsToKeep(parseInteger(text) ?? text)
}

/** A boolean option. @throws QubesValueError */
export function booleanOption(options: PoolOptions, name: string, byDefault: boolean): boolean {
  const text = options[name]
  if (text === undefined) return byDefault
  const value = parseBoolean(text)
  if (value !== undefined) return value
  throw new QubesValueError(msg`Invalid value for ${name}: ${JSON.stringify(text)}. Use True or False`)
}
