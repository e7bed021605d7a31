import { constants, fstatSync, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import type { LogWriter } from './log-sink.ts'

const writeTo = promisify(write)

/**
 * The writer for a descriptor, such as standard error. A write never blocks a thread, even when the other end does not read: a
 * blocked write could not be cancelled, and would keep the process from ending.
 */
export function logWriter(fd: number): LogWriter {
  const stat = fstatSync(fd)
  if (stat.isSocket()) return new SocketWriter(fd)
  return new FileWriter(stat.isFIFO() ? withoutBlocking(fd) : fd)
}

/** A second description of a pipe, so that others that have the first one, such as a shell, still block. */
function withoutBlocking(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    // The pipe has no reader, or /proc is missing.
    return fd
  }
}

/** A file, a terminal, or a pipe. */
class FileWriter implements LogWriter {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  async write(chunk: Uint8Array): Promise<number> {
    return (await writeTo(this.#fd, chunk)).bytesWritten
  }
}

/** A socket, as the journal of systemd gives. */
class SocketWriter implements LogWriter {
  readonly #socket: Socket

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false })
    // Each write is told of its own failure.
    this.#socket.on('error', () => {}).unref()
  }

  write(chunk: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(chunk, (error) => (error ? reject(error) : resolve(chunk.length)))
    })
  }
}
