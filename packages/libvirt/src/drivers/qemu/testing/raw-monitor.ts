import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** A monitor of a QEMU that no driver is connected to, for what the driver cannot do. Calls are made one after the other. */
export class RawMonitor {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async connect(path: string): Promise<RawMonitor> {
    const socket = createConnection(path)
    await once(socket, 'connect')
    const monitor = new RawMonitor(socket)
    await monitor.execute('qmp_capabilities')
    return monitor
  }

  /** Waits for the answer. @throws Error with QEMU's words */
  async execute(command: string, args: object = {}): Promise<void> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`QEMU closed its monitor before it answered ${command}`)
      const answer = JSON.parse(value) as { return?: unknown; error?: { desc: string } }
      if (answer.error) throw new Error(`${command}: ${answer.error.desc}`)
      if ('return' in answer) return
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
