import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdminClient } from '@cloister/client'
import { socketPaths, UnixTransport } from '@cloister/client/node'
import { CliError } from './cli-error.ts'
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

/** The socket to use: what was said, else the daemon of this user, else the one of the system. */
export async function socketOf({ options, environment }: Context): Promise<string> {
  const said = options.socket ?? environment['CLOISTER_SOCKET']
  if (said !== undefined && said !== '') return said
  const own = ownSocket(environment)
  if (own !== undefined && (await exists(own))) return own
  if (await exists(systemSocket)) return systemSocket
  if (own !== undefined) return own
  throw new CliError(
    'the socket of cloisterd is not known, as XDG_RUNTIME_DIR is not set',
    exitStatus.unreachable,
    'say where it is with --socket',
  )
}

/** The way to the daemon. */
export async function connect(context: Context): Promise<AdminClient> {
  return new AdminClient(new UnixTransport(await socketOf(context)))
}

/** The way to the calls that are for programs of the host; `source` is the domain that asks. */
export async function connectInternally(context: Context, source: string): Promise<AdminClient> {
  const path = join(dirname(await socketOf(context)), internalName)
  return new AdminClient(new UnixTransport(path, { source }))
}
