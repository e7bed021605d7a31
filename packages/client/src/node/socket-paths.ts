import { join } from 'node:path'

/** The sockets of a daemon on this machine. */
export interface SocketPaths {
  readonly main: string
  readonly internal: string
  readonly misc: string
}

/**
 * Where the daemon of this user has its sockets: in `/run/cloister` for root, else in `$XDG_RUNTIME_DIR/cloister`.
 * @throws Error when another user than root has no `XDG_RUNTIME_DIR`
 */
export function socketPaths(
  uid: number | undefined = process.getuid?.(),
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SocketPaths {
  const runtime = uid === 0 ? '/run' : environment['XDG_RUNTIME_DIR']
  if (runtime === undefined || runtime === '') {
    throw new Error('XDG_RUNTIME_DIR is not set: it is where the socket of cloisterd is looked for')
  }
  const folder = join(runtime, 'cloister')
  return {
    main: join(folder, 'qubesd.sock'),
    internal: join(folder, 'qubesd.internal.sock'),
    misc: join(folder, 'qubesd.misc.sock'),
  }
}
