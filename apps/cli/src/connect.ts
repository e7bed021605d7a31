import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdminClient } from '@cloister/client'
import { socketPaths, UnixTransport } from '@cloister/client/node'
import { CliError, UsageError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitStatus } from './exit-status.ts'

/** The socket of the daemon that root started. */
const systemSocket = socketPaths(0).main
const internalName = 'qubesd.internal.sock'

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function ownSocket(environment: Context['environment']): string | undefined {
  try {
    return socketPaths(process.getuid?.(), environment).main
  } catch {
    return undefined
  }
}

/** Bytes of the longest path that a socket can have (unix(7): sun_path, with its NUL). */
const longestPath = 107

/** @throws UsageError for a path that no socket can have */
function checkedPath(path: string): string {
  if (Buffer.byteLength(path) <= longestPath) return path
  throw new UsageError(`the path of the socket is longer than ${longestPath} bytes`, 'a symbolic link makes it shorter')
}

/** The socket to use: the one that was named, else that of this user's daemon, else that of the system's daemon. */
export async function socketOf({ options, environment }: Context): Promise<string> {
  const named = options.socket ?? environment['CLOISTER_SOCKET']
  if (named !== undefined && named !== '') return checkedPath(named)
  const own = ownSocket(environment)
  if (own !== undefined && (await exists(own))) return own
  if (await exists(systemSocket)) return systemSocket
  if (own !== undefined) return own
  throw new CliError(
    'the socket of cloisterd is not known, because XDG_RUNTIME_DIR is not set',
    exitStatus.unreachable,
    'name it with --socket',
  )
}

/** A client of the daemon. */
export async function connect(context: Context): Promise<AdminClient> {
  return new AdminClient(new UnixTransport(await socketOf(context)))
}

/** A client of the daemon's internal socket, whose calls are for programs of the host; `source` is the domain that asks. */
export async function connectInternally(context: Context, source: string): Promise<AdminClient> {
  const path = join(dirname(await socketOf(context)), internalName)
  return new AdminClient(new UnixTransport(path, { source }))
}
