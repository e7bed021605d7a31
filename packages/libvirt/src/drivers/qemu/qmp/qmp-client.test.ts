import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModelledClock, nodeOs, within } from '@cloister/os'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LineSplitter } from './line-splitter.ts'
import { longestLine, QmpClient, type QmpMachine } from './qmp-client.ts'
import { type QmpClosedError, QmpFloodError } from './qmp-error.ts'
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
    const lines = new LineSplitter(1 << 20)
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
  event: (event: QmpEvent) => void = (event) => void this.events.push(event)
  closed(error: QmpClosedError): void {
    this.ends.push(error)
  }
}

const patience = { timeout: 20_000, interval: 2 }

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

async function openClient(machine: QmpMachine = os): Promise<QmpClient> {
  const client = await QmpClient.connect(path, machine, heard)
  await client.handshake()
  return client
}

describe('QmpClient', () => {
  it('shakes hands, runs commands and tells of events', async () => {
    peer.answer = ({ id }, socket) =>
      void socket.write(
        `{"event":"RESUME","timestamp":{}}\n{"return":{"status":"paused","running":false},"id":"${id}"}\n`,
      )
    const client = await openClient()
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
    const client = await openClient()
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
    const first = await openClient()
    expect(await first.execute('query-balloon')).toBe(2)
    first.close()
    const second = await openClient()
    expect(await second.execute('query-balloon')).toBe(2)
    second.close()
    expect(new Set(seen).size).toBe(2)
  })

  it('reports a refusal and can be used as before', async () => {
    peer.answer = ({ id, execute }, socket) =>
      void socket.write(
        execute === 'cont'
          ? `{"error":{"class":"GenericError","desc":"no: 100%"},"id":"${id}"}\n`
          : `{"return":{},"id":"${id}"}\n`,
      )
    const client = await openClient()
    await expect(client.execute('cont')).rejects.toThrow("internal error: QEMU refused 'cont': no: 100%")
    await client.execute('stop')
    client.close()
  })

  it('tells everybody who waits when the monitor ends', async () => {
    peer.answer = ({ execute }, socket) => void (execute === 'quit' && socket.destroy())
    const client = await openClient()
    const waiting = (['stop', 'cont', 'quit'] as const).map((command) => client.execute(command))
    const results = await Promise.allSettled(waiting)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(heard.ends.map(({ why }) => why)).toEqual(['ended'])
    await expect(client.execute('stop')).rejects.toThrow('QEMU closed it')
  })

  it('refuses commands at once while an earlier one is late, and accepts commands again when QEMU has answered', async () => {
    const clock = new ModelledClock()
    const asked: string[] = []
    const late = Promise.withResolvers<() => void>()
    peer.answer = ({ id, execute }, socket) => {
      asked.push(execute)
      late.resolve(() => void socket.write(`{"return":{},"id":"${id}"}\n`))
    }
    const client = await openClient({ ...os, clock })
    const stop = client.execute('stop', {}, 20_000)
    const answerNow = await late.promise
    clock.advance(20_000)
    await expect(stop).rejects.toMatchObject({
      kind: 'OPERATION_TIMEOUT',
      str2: "QEMU has not answered 'stop' for 20 s",
    })
    clock.advance(1500)
    await expect(client.execute('query-status')).rejects.toThrow("QEMU has not answered 'stop' for 21.5 s")
    expect(asked).toEqual(['stop'])
    peer.answer = ({ id }, socket) => void socket.write(`{"return":{"actual":5},"id":"${id}"}\n`)
    const balloon = client.ask('query-balloon')
    answerNow()
    expect(await balloon).toBe(5)
    expect(await client.execute('query-balloon')).toBe(5)
    client.close()
  })

  it('does not pile up commands without end', async () => {
    peer.answer = () => {}
    const client = await openClient()
    const waiting = Array.from({ length: 64 }, () => client.execute('stop').catch(() => {}))
    await expect(client.execute('stop')).rejects.toMatchObject({ kind: 'OPERATION_TIMEOUT' })
    client.close()
    await Promise.all(waiting)
  })

  it('accepts a greeting that comes late', async () => {
    peer.greeting = ''
    const client = await QmpClient.connect(path, os, heard)
    const wait = { clock: os.clock, ms: 20, what: 'the greeting' }
    await expect(within(wait, client.handshake())).rejects.toThrow('the greeting did not happen within 0.02 s')
    await expect.poll(() => peer.sockets).toHaveLength(1)
    peer.sockets[0]?.write(greeting)
    await client.handshake()
    expect(await client.version).toBe(7_002_022)
    client.close()
  })

  it('accepts a long reply only to a command that has long ones', async () => {
    const disks = `[${Array.from({ length: 1000 }, () => `{"device":"${'x'.repeat(200)}"}`).join()}]`
    peer.answer = ({ id }, socket) => void socket.write(`{"return":${disks},"id":"${id}"}\n`)
    const client = await openClient()
    expect(await client.execute('query-block')).toEqual([])
    await expect(client.execute('stop')).rejects.toMatchObject({ why: 'garbled' })
  })

  it('reads no faster than it handles what it has read, and gives up a QEMU that never stops', async () => {
    const clock = new ModelledClock()
    const client = await openClient({ ...os, clock })
    const line = `{"event":"RTC_CHANGE","data":{"offset":0,"more":"${'x'.repeat(400)}"}}\n`
    const [socket] = peer.sockets
    const flood = (): void => {
      while (socket?.writable && socket.write(line.repeat(100)));
    }
    socket?.on('drain', flood)
    flood()
    for (let second = 0; heard.ends.length === 0; second++) {
      // 4 MiB at once, then 1 MiB a second, and what came with the last piece: then the socket is not read.
      const allowed = ((4 + second) << 20) / (line.length - 1)
      await expect.poll(() => heard.events.length + heard.ends.length * allowed, patience).toBeGreaterThan(allowed - 1)
      expect(heard.events.length).toBeLessThan(allowed + (65_536 / line.length) * 2)
      expect(second).toBeLessThan(40)
      clock.advance(1000)
    }
    expect(heard.ends.map(({ why }) => why)).toEqual(['flooded'])
    await expect(client.execute('stop')).rejects.toThrow('QEMU sent more than 1048576 bytes a second for 30 s')
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
    ['deeply nested', `${'['.repeat(30_000)}${']'.repeat(30_000)}\n`],
    ['nested a little too deeply', `{"event":"A","data":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}\n`],
    ['endless', new Uint8Array(longestLine + 1).fill(0x20)],
  ])('closes with a clear error: %s', async (_what, garbage) => {
    peer.answer = (_request, socket) => void socket.write(garbage)
    const client = await openClient()
    await expect(client.execute('stop')).rejects.toMatchObject({ why: 'garbled', kind: 'INTERNAL_ERROR' })
    expect(heard.ends).toHaveLength(1)
  })

  it('takes brackets in texts for what they are', async () => {
    peer.answer = ({ id }, socket) =>
      void socket.write(`{"event":"A","data":{"a":"${'[{'.repeat(100)}\\"["}}\n{"return":{},"id":"${id}"}\n`)
    const client = await openClient()
    await client.execute('stop')
    expect(heard.events).toHaveLength(1)
    client.close()
  })

  it('gives up a QEMU whose owner has had too many events of it', async () => {
    heard.event = () => {
      throw new QmpFloodError('too many')
    }
    peer.answer = (_request, socket) => void socket.write('{"event":"STOP"}\n')
    const client = await openClient()
    await expect(client.execute('stop')).rejects.toMatchObject({ why: 'flooded' })
  })

  it('closes when the answer is not that of the command', async () => {
    peer.answer = ({ id }, socket) => void socket.write(`{"return":{"status":"on fire"},"id":"${id}"}\n`)
    const client = await openClient()
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
        const client = await openClient()
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
        const splitter = new LineSplitter(1 << 20)
        const found: string[] = []
        for (let at = 0; at < bytes.length; at += step) found.push(...splitter.split(bytes.subarray(at, at + step)))
        expect(found).toEqual(lines)
      }),
    )
  })
})
