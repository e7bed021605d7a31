import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { errorText, msg } from '@cloister/kit'
import type { ConsoleStream } from '../../../driver.ts'
import { LibvirtError } from '../../../error.ts'

/**
 * A connection to a serial port or console of a guest. What nobody takes waits in the socket, up to its capacity; then the
 * guest's port has to wait.
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
    // How the connection ends is of no interest: the output ends.
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

/** What comes until the end, whoever brings it about; reading stops when nobody takes it. */
async function* read(socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    yield* socket
  } catch {
    // closed on our side, or by a QEMU that was killed
  }
}
