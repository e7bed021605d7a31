import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdminClient } from '@cloister/client'
import { socketPaths, UnixTransport } from '@cloister/client/node'
import { errorText } from '@cloister/kit'
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

/** The socket of this user's daemon, or why no path for it can be trusted. */
function ownSocket(environment: Context['environment']): { readonly path: string } | { readonly refusal: unknown } {
  try {
    return { path: socketPaths(process.getuid?.(), environment).main }
  } catch (refusal) {
    return { refusal }
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
export async function socketOf({ options, environment }: Pick<Context, 'options' | 'environment'>): Promise<string> {
  const named = options.socket ?? environment['CLOISTER_SOCKET']
  if (named !== undefined && named !== '') return checkedPath(named)
  const own = ownSocket(environment)
  if ('path' in own && (await exists(own.path))) return own.path
  if (await exists(systemSocket)) return systemSocket
  if ('path' in own) return own.path
  throw new CliError(errorText(own.refusal), exitStatus.unreachable, 'or name the socket with --socket', {
    cause: own.refusal,
  })
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
