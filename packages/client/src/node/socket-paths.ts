import { lstatSync } from 'node:fs'
import { join } from 'node:path'

/** The sockets of a daemon on this machine. */
export interface SocketPaths {
  readonly main: string
  readonly internal: string
  readonly misc: string
}

/** Mode bits that let other users write. */
const writableByOthers = 0o022

/**
 * Where the daemon of this user has its sockets: for root in `/run/cloister`; else in `$XDG_RUNTIME_DIR/cloister`, or, where
 * that is not set, in `/tmp/cloister-<uid>/cloister`, as the daemon itself resolves it.
 * @throws Error when the folder in `/tmp` is there but another user could have made or changed it
 */
export function socketPaths(
  uid: number | undefined = process.getuid?.(),
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SocketPaths {
  const folder = join(uid === 0 ? '/run' : environment['XDG_RUNTIME_DIR'] || temporaryFolder(uid), 'cloister')
  return {
    main: join(folder, 'qubesd.sock'),
    internal: join(folder, 'qubesd.internal.sock'),
    misc: join(folder, 'qubesd.misc.sock'),
  }
}

/** The folder of a user in `/tmp`, where every user could have made it: a daemon there could be that of another user. */
function temporaryFolder(uid: number | undefined): string {
  const path = `/tmp/cloister-${uid}`
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found || (found.isDirectory() && found.uid === uid && (found.mode & writableByOthers) === 0)) return path
  throw new Error(
    `The socket of cloisterd is not looked for in ${path}, because that folder does not belong to this user alone: set XDG_RUNTIME_DIR`,
  )
}
