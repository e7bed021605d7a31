import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concatBytes, type Log, utf8, utf8Text } from '@cloister/kit'
import { ModelledClock, nodeOs } from '@cloister/os'
import type { CallServer, Exchange, Reply, Request } from '../call-server.ts'
import { Endpoint } from '../endpoint.ts'
import { RunningCalls } from '../running-calls.ts'

/** A log that keeps the messages. */
export class KeptLog implements Log {
  readonly lines: { readonly message: string; readonly details: Readonly<Record<string, unknown>> }[] = []

  readonly #keep = (message: string, details: Readonly<Record<string, unknown>> = {}): void => {
    this.lines.push({ message, details })
  }

  debug = this.#keep
  info = this.#keep
  warn = this.#keep
  error = this.#keep
}

/** What a test does for a request. */
export type Answer = (exchange: Exchange, payload: string) => Reply | Promise<Reply>

/** An endpoint on a real socket in a scratch folder, whose clock stands still until the test moves it. */
export class TestEndpoint implements AsyncDisposable {
  readonly clock: ModelledClock = new ModelledClock()
  readonly log: KeptLog = new KeptLog()
  readonly running: RunningCalls = new RunningCalls()
  /** Method and payload of every request that was answered. */
  readonly requests: string[] = []
  readonly #folder: string
  #endpoint: Endpoint | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(answer: Answer): Promise<TestEndpoint> {
    const endpoint = new TestEndpoint(await mkdtemp(join(tmpdir(), 'endpoint-')))
    await endpoint.serve(answer)
    return endpoint
  }

  get path(): string {
    return join(this.#folder, 'test.sock')
  }

  get endpoint(): Endpoint {
    if (!this.#endpoint) throw new Error('the endpoint is not open')
    return this.#endpoint
  }

  /** Listens, in place of what has listened before. */
  async serve(answer: Answer): Promise<void> {
    const server: CallServer = {
      answer: ({ header, payload }: Request, exchange) => {
        const text = payload.parse(utf8Text) ?? ''
        this.requests.push(`${header.method} ${text}`.trim())
        return answer(exchange, text)
      },
    }
    const os = { ...nodeOs(), clock: this.clock }
    this.#endpoint = await Endpoint.open(
      { path: this.path, mode: 0o600 },
      { os, log: this.log, server, running: this.running },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endpoint?.close()
    await rm(this.#folder, { recursive: true })
  }
}

/** Header of a request to the admin domain. */
export function header(method: string): string {
  return `${method}+ dom0 name dom0\0`
}

/** A client that does step by step what a test tells it. */
export class Client {
  readonly socket: Socket
  readonly #chunks: Uint8Array[] = []
  #error: Error | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', (error) => {
      this.#error = error
    })
  }

  static async connect(path: string): Promise<Client> {
    const socket = createConnection({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    return new Client(socket)
  }

  /** The error of the connection, if there was one. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Sends; resolves when the kernel has taken everything. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  halfClose(): void {
    this.socket.end()
  }

  close(): void {
    this.socket.destroy()
  }

  /** Everything that comes until the server ends the connection. */
  async read(): Promise<string> {
    this.socket.on('data', (chunk: Uint8Array) => this.#chunks.push(chunk))
    if (!this.socket.readableEnded && !this.socket.destroyed) {
      await new Promise<void>((resolve) => this.socket.once('end', resolve).once('close', () => resolve()))
    }
    return utf8Text(concatBytes(this.#chunks)) ?? ''
  }
}

const sender = `
const socket = require('node:net').connect({ path: process.argv[1], allowHalfOpen: true })
socket.write(process.argv[2].replaceAll('|', '\\0'), () => process.stdout.write('sent'))
setInterval(() => undefined, 1000)
`

/** A client in a process of its own, which sends `bytes` and waits to be killed; resolves when the bytes are sent. */
export async function clientProcess(path: string, bytes: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', sender, path, bytes.replaceAll('\0', '|')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

/** A successful reply. */
export function ok(content: string): Uint8Array {
  return utf8(`0\0${content}`)
}
