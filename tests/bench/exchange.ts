import { createConnection } from 'node:net'

const okMark = '0\0'
const shownReply = 300

/**
 * Sends a request over a new connection, and resolves with the reply. The daemon and the echo server are both called by it, so
 * that the cost of the client is in both measurements.
 */
export function exchange(path: string, request: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = createConnection({ path, allowHalfOpen: true })
    socket.on('error', reject)
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('end', () => {
      socket.destroy()
      resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts))
    })
    socket.end(request)
  })
}

/** The parts of a call of the Admin API. */
export interface AdminRequest {
  readonly method: string
  /** The admin domain when not given. */
  readonly destination?: string
  readonly argument?: string
  readonly payload?: string
}

/** The bytes of a call (reference: admin-api, 1.2). */
export function encodeRequest({ method, destination = 'dom0', argument = '', payload = '' }: AdminRequest): Buffer {
  return Buffer.from(`${method}+${argument} dom0 name ${destination}\0${payload}`)
}

/** Makes a call of the Admin API; resolves with the content of its reply. @throws Error when the reply is an error */
export async function adminCall(socket: string, request: AdminRequest): Promise<string> {
  return okContent(await exchange(socket, encodeRequest(request)), request.method).toString()
}

/** The content of a reply that is a success. @throws Error for any other reply */
export function okContent(reply: Buffer, method: string): Buffer {
  if (reply.toString('latin1', 0, okMark.length) === okMark) return reply.subarray(okMark.length)
  const said = reply.toString('utf8', 0, shownReply).replaceAll('\0', '|')
  throw new Error(`${method}: ${said || 'closed without a reply'}`)
}
