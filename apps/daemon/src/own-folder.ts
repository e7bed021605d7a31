import { errorText, msg } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { ConfigurationError } from './configuration.ts'

/** Mode bits that the folder must not have: other users could write to it. */
const writableByOthers = 0o022

/**
 * Makes a folder where every user may make files, or takes the one that is there, if it belongs to the user of this process.
 * @throws ConfigurationError when another user could have made it, or could change it
 */
export async function makeOwnFolder(os: Os, path: string): Promise<void> {
  const weakness = await weaknessOf(os, path)
  if (weakness === undefined) return
  throw new ConfigurationError(
    msg`The folder ${path} cannot be used for the sockets: ${weakness}. Set XDG_RUNTIME_DIR, or name another folder with --run`,
  )
}

async function weaknessOf(os: Os, path: string): Promise<string | undefined> {
  try {
    await os.files.makeFolder(path, 0o700)
    const found = await os.files.stat(path)
    if (found?.kind !== 'folder') return 'it is no folder'
    if (found.uid !== os.host.uid) return 'it belongs to another user'
    if ((found.mode & writableByOthers) !== 0) return 'other users may write to it'
    return undefined
  } catch (error) {
    return errorText(error)
  }
}
