import { once } from 'node:events'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import {
  connectionEstablished,
  encodeEvent,
  encodeException,
  encodeOk,
  labelGet,
  vmFeatureSet,
  vmList,
  vmVolumeImport,
} from '@cloister/admin-protocol'
import { msg, QubesValueError, StoragePoolException, utf8 } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { AdminClient } from '../admin-client.ts'
import { DaemonAccessError, DaemonTimeoutError, DaemonUnreachableError } from '../errors.ts'
import { type SeenRequest, TestServer, wholeRequests } from '../testing/test-server.ts'
import { socketPaths } from './socket-paths.ts'
import { UnixTransport } from './unix-transport.ts'

const clientOf = (server: TestServer): AdminClient => new AdminClient(new UnixTransport(server.path))

/** Sends events until nobody listens any more. */
async function chatter(socket: Socket): Promise<void> {
  socket.resume()
  while (!socket.destroyed) {
    socket.write(encodeEvent(connectionEstablished))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a unix socket', () => {
  it('carries a call', async () => {
    const seen: SeenRequest[] = []
    await using server = await TestServer.start(
      wholeRequests((request) => {
        seen.push(request)
        return encodeOk(utf8('0xcc0000'))
      }),
    )
    expect(await clientOf(server).call(labelGet, { argument: 'red' })).toBe('0xcc0000')
    expect(seen).toEqual([{ call: 'admin.label.Get+red dom0 dom0', payload: '' }])
  })

  it('carries the name of another source', async () => {
    const seen: string[] = []
    await using server = await TestServer.start(
      wholeRequests(({ call }) => {
        seen.push(call)
        return encodeOk(new Uint8Array())
      }),
    )
    await new AdminClient(new UnixTransport(server.path, { source: 'sys-gui' })).domain('work').start()
    expect(seen).toEqual(['admin.vm.Start+ sys-gui work'])
    expect(() => new UnixTransport(server.path, { source: '-bad' })).toThrow(QubesValueError)
  })

  it('carries many calls at once', async () => {
    await using server = await TestServer.start(
      wholeRequests(({ call }) => encodeOk(utf8(`0x0000${(/\+(\d+)/.exec(call)?.[1] ?? '').padStart(2, '0')}`))),
    )
    const client = clientOf(server)
    const numbers = Array.from({ length: 50 }, (_, index) => String(index))
    const answers = await Promise.all(numbers.map((number) => client.call(labelGet, { argument: number })))
    expect(answers).toEqual(numbers.map((number) => `0x0000${number.padStart(2, '0')}`))
  })

  it('carries a long reply', async () => {
    const line = `${'x'.repeat(31)} class=AppVM state=Halted uuid=${'0'.repeat(36)}\n`
    await using server = await TestServer.start(wholeRequests(() => encodeOk(utf8(line.repeat(20_000)))))
    expect(await clientOf(server).domains.list()).toHaveLength(20_000)
  })

  it('refuses a name before anything is sent', async () => {
    const client = new AdminClient(new UnixTransport('/nonexistent/socket'))
    await expect(client.call(vmList, { dest: 'a b' })).rejects.toThrow(QubesValueError)
  })
})

describe('a daemon that is not there', () => {
  it('is said to be so', async () => {
    await using server = await TestServer.start(() => undefined)
    const missing = join(server.path, '..', 'missing.sock')
    const call = new AdminClient(new UnixTransport(missing)).call(vmList, {})
    await expect(call).rejects.toThrow(DaemonUnreachableError)
    await expect(call).rejects.toThrow(`cannot reach cloisterd at ${missing}: is it running?`)
    await expect(call).rejects.toMatchObject({ cause: { code: 'ENOENT' } })
  })

  it('left a file behind', async () => {
    await using server = await TestServer.start(() => undefined)
    const stale = join(server.path, '..', 'stale.sock')
    await writeFile(stale, '')
    await chmod(stale, 0o777)
    await expect(new AdminClient(new UnixTransport(stale)).call(vmList, {})).rejects.toThrow(/is it running/)
  })
})

describe('a daemon that closes early', () => {
  const call = (server: TestServer): Promise<unknown> =>
    clientOf(server).call(vmFeatureSet, { dest: 'work', argument: 'x', payload: 'y'.repeat(60_000) })

  it('refuses when it ends its reply without a word', async () => {
    await using server = await TestServer.start((socket) => void socket.resume().end())
    await expect(call(server)).rejects.toThrow(DaemonAccessError)
  })

  it('has ended when the connection breaks: that is not a refusal', async () => {
    await using server = await TestServer.start((socket) => void socket.destroy())
    const failure = await call(server).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(DaemonUnreachableError)
    expect(failure).toMatchObject({ message: expect.stringContaining('cloisterd may have ended') })
  })

  it('is heard although the payload still flows', async () => {
    let produced = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        produced++
        yield new Uint8Array(65_536)
      }
    }
    await using server = await TestServer.start(async (socket) => {
      await once(socket, 'data')
      const exception = { type: 'StoragePoolException', message: msg`the volume is in use`, traceback: '' }
      socket.end(encodeException(exception, 'admin'))
      socket.resume()
    })
    const call = clientOf(server).call(vmVolumeImport, { dest: 'work', argument: 'root', stream: endless() })
    await expect(call).rejects.toThrow(StoragePoolException)
    const before = produced
    await new Promise((resolve) => setImmediate(resolve))
    expect(produced - before).toBeLessThanOrEqual(1)
  })
})

describe('a streamed payload', () => {
  it('is sent no faster than it is taken', async () => {
    let produced = 0
    const total = 64
    async function* data(): AsyncGenerator<Uint8Array> {
      for (; produced < total; produced++) yield new Uint8Array(1 << 20)
    }
    const release = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    let received = 0
    await using server = await TestServer.start(async (socket) => {
      socket.pause()
      arrived.resolve()
      await release.promise
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) received += chunk.length
      socket.end(encodeOk(new Uint8Array()))
    })
    const call = clientOf(server).call(vmVolumeImport, { dest: 'work', argument: 'root', stream: data() })
    await arrived.promise
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(produced).toBeLessThan(4)
    release.resolve()
    await call
    expect(received).toBe(total * (1 << 20) + 'admin.vm.volume.Import+root dom0 name work\0'.length)
  })

  it('that fails fails the call', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
      throw new Error('the disk fell out')
    }
    await using server = await TestServer.start(wholeRequests(() => encodeOk(new Uint8Array())))
    const call = clientOf(server).call(vmVolumeImport, { dest: 'work', argument: 'root', stream: broken() })
    await expect(call).rejects.toThrow('the disk fell out')
  })
})

describe('a call that is given up', () => {
  it('closes its connection', async () => {
    await using server = await TestServer.start(chatter)
    const controller = new AbortController()
    const reading = (async () => {
      for await (const _ of clientOf(server).events({ signal: controller.signal })) {
        controller.abort(new Error('enough'))
      }
    })()
    await expect(reading).rejects.toThrow('enough')
    await expect.poll(() => server.open).toBe(0)
  })

  it('was never begun when its signal had aborted', async () => {
    const client = new AdminClient(new UnixTransport('/nonexistent/socket'))
    await expect(client.call(vmList, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })

  it('says how long it took', async () => {
    await using server = await TestServer.start(() => new Promise<void>(() => undefined))
    await expect(clientOf(server).call(vmList, { timeout: 20 })).rejects.toThrow(DaemonTimeoutError)
  })
})

describe('events', () => {
  it('come as they are sent, and leaving closes the connection', async () => {
    await using server = await TestServer.start(chatter)
    for await (const event of clientOf(server).events()) {
      expect(event).toEqual(connectionEstablished)
      break
    }
    await expect.poll(() => server.open).toBe(0)
  })
})

describe('socketPaths', () => {
  it('are those of the user', () => {
    expect(socketPaths(0, {}).main).toBe('/run/cloister/qubesd.sock')
    expect(socketPaths(1000, { XDG_RUNTIME_DIR: '/run/user/1000' }).internal).toBe(
      '/run/user/1000/cloister/qubesd.internal.sock',
    )
  })

  it('are in a folder of the user in /tmp without XDG_RUNTIME_DIR, if no other user could have made it', async () => {
    const uid = 3_000_000_000 + process.pid
    const folder = `/tmp/cloister-${uid}`
    for (const environment of [{}, { XDG_RUNTIME_DIR: '' }])
      expect(socketPaths(uid, environment).main).toBe(`${folder}/cloister/qubesd.sock`)
    await mkdir(folder, { mode: 0o700 })
    try {
      // The folder belongs to the user of this test, which is another.
      expect(() => socketPaths(uid, {})).toThrow('does not belong to this user alone: set XDG_RUNTIME_DIR')
    } finally {
      await rm(folder, { recursive: true })
    }
    await symlink('/tmp', folder)
    try {
      expect(() => socketPaths(uid, {})).toThrow('XDG_RUNTIME_DIR')
    } finally {
      await rm(folder)
    }
  })
})
