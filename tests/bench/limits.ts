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

/** The limits of the machine for which the aims are set: Debian 12, two processors, ext4. */
const reference = {
  /** The time of one client, ms. */
  echoMs: 0.11,
  /** Calls a second, by the number of clients. */
  echoRate: new Map([
    [1, 7_900],
    [64, 23_800],
  ]),
  appendMs: 0.14,
} as const

/** Measures the limits of the machine, with the same client as the daemon. */
export class Limits {
  readonly #child: ChildProcess
  readonly #echoPath: string
  readonly #file: number
  /** A message to this socket is sent to all of its clients. */
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
      if (reply.length !== message.length) throw new Error('the echo differs from the message')
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

/** The limit for a measurement: the time of a single client, or the rate of several. */
export function echoLimit(sample: Sample, clients: number): Limit {
  const name = 'echo'
  if (clients === 1) return { name, value: sample.p50Ms, reference: reference.echoMs }
  const rate = reference.echoRate.get(clients)
  return { name, value: sample.perSecond, ...(rate !== undefined && { reference: rate }) }
}

/** The limit for an operation that waits for the disk `times` times: each time it appends 4 KiB and calls fsync. */
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
