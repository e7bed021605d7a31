import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { errorText, msg } from '@cloister/kit'
import type { ConsoleStream } from '../../../driver.ts'
import { LibvirtError } from '../../../error.ts'

/**
 * A connection to a serial port or console of a guest. Output that is not read waits in the socket, up to its capacity; then
 * the guest has to wait.
 */
export class SocketConsole implements ConsoleStream {
  readonly output: AsyncIterable<Uint8Array>
  /** Resolves when QEMU has answered. @throws LibvirtError OPERATION_FAILED when it does not */
  readonly connected: Promise<void>
  readonly #socket: Socket

  /** @param path the port's socket */
  constructor(path: string) {
    this.#socket = connect(path)
    this.connected = once(this.#socket, 'connect').then(
      () => {},
      (cause) => {
        const text = msg`cannot open the console '${path}': ${errorText(cause)}`
        throw new LibvirtError('OPERATION_FAILED', text, { cause, domain: 'QEMU' })
      },
    )
    // The end of the output, and the errors of `connected` and `write`, tell of it.
    this.#socket.on('error', () => {})
    this.output = read(this.#socket)
  }

  get closed(): boolean {
    return this.#socket.destroyed
  }

  /** Returns when QEMU's socket has taken the bytes. @throws LibvirtError OPERATION_INVALID when the console is closed */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause) reject(new LibvirtError('OPERATION_INVALID', 'the console is closed', { cause, domain: 'QEMU' }))
        else resolve()
      })
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** The bytes from a socket until the connection ends on either side; the socket is not read faster than they are taken. */
async function* read(socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    yield* socket
  } catch {
    // The console was closed on our side, or QEMU was killed: both end the output.
  }
}
