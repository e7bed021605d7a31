import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LineSplitter } from './line-splitter.ts'
import { QmpClient } from './qmp-client.ts'
import type { QmpClosedError } from './qmp-error.ts'
import type { QmpEvent } from './qmp-message.ts'

const os = nodeOs()
const greeting = '{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":""},"capabilities":["oob"]}}\n'

/** Something that listens where QEMU would, and answers as the test says. */
class FakePeer {
  answer: (request: { execute: string; id: string }, socket: Socket) => void = ({ id }, socket) =>
    void socket.write(`{"return":{},"id":"${id}"}\n`)
  greeting: string | Uint8Array = greeting
  readonly sockets: Socket[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(path: string): Promise<FakePeer> {
    const server = createServer()
    const peer = new FakePeer(server)
    server.on('connection', (socket) => peer.#serve(socket))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    return peer
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    this.sockets.push(socket)
    socket.on('error', () => {})
    socket.write(this.greeting)
    const lines = new LineSplitter()
    socket.on('data', (chunk: Buffer) => {
      for (const line of lines.split(chunk)) {
        const request = JSON.parse(line) as { execute: string; id: string }
        if (request.execute === 'qmp_capabilities') socket.write(`{"return":{},"id":"${request.id}"}\n`)
        else this.answer(request, socket)
      }
    })
  }
}

class Recorder {
  readonly events: QmpEvent[] = []
  readonly ends: QmpClosedError[] = []
  event(event: QmpEvent): void {
    this.events.push(event)
  }
  closed(error: QmpClosedError): void {
    this.ends.push(error)
  }
}

let folder: string
let path: string
let peer: FakePeer
let heard: Recorder

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloister-qmp-'))
  path = join(folder, 'monitor')
  peer = await FakePeer.listen(path)
  heard = new Recorder()
})

afterEach(async () => {
  peer.close()
  await rm(folder, { recursive: true })
})

describe('QmpClient', () => {
  it('shakes hands, runs commands and tells of events', async () => {
    peer.answer = ({ id }, socket) =>
      void socket.write(
        `{"event":"RESUME","timestamp":{}}\n{"return":{"status":"paused","running":false},"id":"${id}"}\n`,
      )
    const client = await QmpClient.open(path, os, heard)
    expect(await client.version).toBe(7_002_022)
    expect(await client.execute('query-status')).toBe('paused')
    expect(heard.events).toEqual([{ name: 'RESUME', data: {} }])
    client.close()
    expect(heard.ends.map(({ why }) => why)).toEqual(['detached'])
  })

  it('matches answers to commands by id', async () => {
    const requests: string[] = []
    peer.answer = ({ id }, socket) => {
      requests.push(id)
      if (requests.length === 3)
        for (const [at, one] of [...requests.entries()].toReversed())
          socket.write(`{"return":{"actual":${at}},"id":"${one}"}\n`)
    }
    const client = await QmpClient.open(path, os, heard)
    const answers = await Promise.all([1, 2, 3].map(() => client.execute('query-balloon')))
    expect(answers).toEqual([0, 1, 2])
    client.close()
  })

  it('pays no heed to answers to a client before it', async () => {
    const seen: string[] = []
    peer.answer = ({ id }, socket) => {
      seen.push(id)
      for (const stale of [...seen.slice(0, -1), '2', id.replace(/^./, 'x')])
        socket.write(`{"return":{"actual":1},"id":"${stale}"}\n`)
      socket.write(`{"return":{"actual":2},"id":"${id}"}\n`)
    }
    const first = await QmpClient.open(path, os, heard)
    expect(await first.execute('query-balloon')).toBe(2)
    first.close()
    const second = await QmpClient.open(path, os, heard)
    expect(await second.execute('query-balloon')).toBe(2)
    second.close()
    expect(new Set(seen).size).toBe(2)
  })

  it('passes on a refusal and goes on', async () => {
    peer.answer = ({ id, execute }, socket) =>
      void socket.write(
        execute === 'cont'
          ? `{"error":{"class":"GenericError","desc":"no: 100%"},"id":"${id}"}\n`
          : `{"return":{},"id":"${id}"}\n`,
      )
    const client = await QmpClient.open(path, os, heard)
    await expect(client.execute('cont')).rejects.toThrow("internal error: QEMU refused 'cont': no: 100%")
    await client.execute('stop')
    client.close()
  })

  it('tells everybody who waits when the monitor ends', async () => {
    peer.answer = ({ execute }, socket) => void (execute === 'quit' && socket.destroy())
    const client = await QmpClient.open(path, os, heard)
    const waiting = (['stop', 'cont', 'quit'] as const).map((command) => client.execute(command))
    const results = await Promise.allSettled(waiting)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(heard.ends.map(({ why }) => why)).toEqual(['ended'])
    await expect(client.execute('stop')).rejects.toThrow('QEMU closed it')
  })

  it('goes on when an answer is late', async () => {
    const late = Promise.withResolvers<() => void>()
    peer.answer = ({ id }, socket) => late.resolve(() => void socket.write(`{"return":{},"id":"${id}"}\n`))
    const client = await QmpClient.open(path, os, heard)
    await expect(client.execute('stop', {}, 20)).rejects.toMatchObject({ kind: 'OPERATION_TIMEOUT' })
    const answerNow = await late.promise
    peer.answer = ({ id }, socket) => {
      answerNow()
      socket.write(`{"return":{"actual":5},"id":"${id}"}\n`)
    }
    expect(await client.execute('query-balloon')).toBe(5)
    client.close()
  })

  it('does not pile up commands without end', async () => {
    peer.answer = () => {}
    const client = await QmpClient.open(path, os, heard)
    const waiting = Array.from({ length: 256 }, () => client.execute('stop').catch(() => {}))
    await expect(client.execute('stop')).rejects.toMatchObject({ kind: 'OPERATION_TIMEOUT' })
    client.close()
    await Promise.all(waiting)
  })

  it('does not wait for ever for a greeting', async () => {
    peer.greeting = ''
    await expect(QmpClient.open(path, os, heard, 20)).rejects.toMatchObject({ why: 'silent' })
  })

  it.each([
    ['no JSON', 'hello\n'],
    ['not an object', '[1]\n'],
    ['nothing that QMP knows', '{"hello":1}\n'],
    ['an answer without id', '{"return":{}}\n'],
    ['an answer whose id is no text', '{"return":{},"id":77}\n'],
    ['an event without a name', '{"event":5}\n'],
    ['an event with other data', '{"event":"STOP","data":[]}\n'],
    ['a refusal without words', '{"error":{"class":"GenericError"},"id":2}\n'],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a)],
    ['deeply nested', `${'['.repeat(1_000_000)}\n`],
    ['endless', new Uint8Array((4 << 20) + 1).fill(0x20)],
  ])('closes with a clear error: %s', async (_what, garbage) => {
    peer.answer = (_request, socket) => void socket.write(garbage)
    const client = await QmpClient.open(path, os, heard)
    await expect(client.execute('stop')).rejects.toMatchObject({ why: 'garbled', kind: 'INTERNAL_ERROR' })
    expect(heard.ends).toHaveLength(1)
  })

  it('closes when the answer is not that of the command', async () => {
    peer.answer = ({ id }, socket) => void socket.write(`{"return":{"status":"on fire"},"id":"${id}"}\n`)
    const client = await QmpClient.open(path, os, heard)
    await expect(client.execute('query-status')).rejects.toMatchObject({ why: 'garbled' })
    expect(heard.ends.map(({ why }) => why)).toEqual(['garbled'])
  })

  it('ends in one way whatever comes', async () => {
    const line = fc.oneof(
      fc.json().map((text) => `${text}\n`),
      fc.string().map((text) => `${text}\n`),
      fc.constant(greeting),
      fc.constant('{"event":"STOP"}\n'),
      fc.nat(4).map((id) => `{"return":{},"id":"${id}"}\n`),
      fc.nat(4).map((id) => `{"error":{"class":"GenericError","desc":""},"id":"${id}"}\n`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
        heard = new Recorder()
        peer.answer = (_request, socket) => void socket.end(lines.join(''))
        const client = await QmpClient.open(path, os, heard)
        const results = await Promise.allSettled([client.execute('stop'), client.execute('query-status')])
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ domain: 10 })
        await expect.poll(() => heard.ends).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
  })
})

describe('LineSplitter', () => {
  it('finds the same lines however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 9 }), (texts, step) => {
        const lines = texts.map((text) => text.replaceAll('\n', ''))
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        const splitter = new LineSplitter()
        const found: string[] = []
        for (let at = 0; at < bytes.length; at += step) found.push(...splitter.split(bytes.subarray(at, at + step)))
        expect(found).toEqual(lines)
      }),
    )
  })
})
