import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Limit } from './aims.ts'
import { exchange } from './exchange.ts'
import type { Load, Sample } from './load.ts'

const server = fileURLToPath(new URL('echo-server.ts', import.meta.url))
const message = Buffer.alloc(64, 'A')
const page = Buffer.alloc(4096, 1)

/** What the limits were on the machine for which the aims are set: Debian 12, two processors, ext4. */
const reference = {
  /** Of one client, ms. */
  echoMs: 0.11,
  /** Calls a second, by the number of clients. */
  echoRate: new Map([
    [1, 7_900],
    [64, 23_800],
  ]),
  appendMs: 0.14,
} as const

/** What the machine can do at best, measured with the means that the bench itself uses. */
export class Limits {
  readonly #child: ChildProcess
  readonly #echoPath: string
  readonly #file: number
  /** What a client sends to this socket goes to all of its clients. */
  readonly fanPath: string

  private constructor(child: ChildProcess, folder: string, file: number) {
    this.#child = child
    this.#file = file
    this.#echoPath = echoPath(folder)
    this.fanPath = fanPath(folder)
  }

  /** `folder` is on the file system of the daemon's state, and has a short path. */
  static async open(folder: string): Promise<Limits> {
    const child = fork(server, [echoPath(folder), fanPath(folder)])
    await once(child, 'message')
    return new Limits(child, folder, openSync(join(folder, 'append'), 'a'))
  }

  async close(): Promise<void> {
    closeSync(this.#file)
    this.#child.kill()
  }

  /** A round trip to another process over a unix socket, with a new connection for each. */
  echo(clients: number): Load {
    const call = async (): Promise<void> => {
      const reply = await exchange(this.#echoPath, message)
      if (reply.length !== message.length) throw new Error('the echo is not what was sent')
    }
    return { name: 'echo', clients, call }
  }

  /** 4 KiB at the end of a file, and fsync. */
  append(): Load {
    const call = async (): Promise<void> => {
      writeSync(this.#file, page)
      fsyncSync(this.#file)
    }
    return { name: 'append', clients: 1, call }
  }
}

/** The limit for a figure of as many clients: the time of one, or the rate of several. */
export function echoLimit(sample: Sample, clients: number): Limit {
  const name = 'echo'
  if (clients === 1) return { name, value: sample.p50Ms, reference: reference.echoMs }
  const rate = reference.echoRate.get(clients)
  return { name, value: sample.perSecond, ...(rate !== undefined && { reference: rate }) }
}

/** The limit for what waits for the disk so many times, one after the other: each appends 4 KiB, and fsync. */
export function appendLimit(sample: Sample, times = 1): Limit {
  const name = times === 1 ? 'fsync' : `${times} × fsync`
  return { name, value: sample.p50Ms * times, reference: reference.appendMs * times }
}

function echoPath(folder: string): string {
  return join(folder, 'echo.sock')
}

function fanPath(folder: string): string {
  return join(folder, 'fan.sock')
}
