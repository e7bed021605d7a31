import { once } from 'node:events'
import { createConnection } from 'node:net'
import { DaemonAccessError } from '@cloister/client'
import { CliError } from './cli-error.ts'
import { socketOf } from './connect.ts'
import type { Context } from './context.ts'
import { exitStatus } from './exit-status.ts'

/** True when a program accepts connections at the socket. */
async function isServed(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/**
 * A call without an answer is a call that the policy refuses, says the protocol (reference: admin-api, 2.1). A daemon that
 * dies at work leaves calls without an answer as well: where no daemon is left, the error says that instead.
 */
export async function unlessDaemonIsGone(context: Context, error: unknown): Promise<unknown> {
  if (!(error instanceof DaemonAccessError)) return error
  const path = await socketOf(context)
  if (await isServed(path)) return error
  const message = `cloisterd at ${path} ended before it answered; what was asked for may be done in part`
  const hint = '`cloister doctor` looks for the reason; when the daemon runs again it finishes or undoes the rest'
  return new CliError(message, exitStatus.unreachable, hint, { cause: error })
}
