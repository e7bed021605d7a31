import { execFileSync, spawnSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../support/cloisterd.ts'

// Clients that break the protocol or the connection: the daemon keeps serving the others.

let daemon: Cloisterd

beforeAll(async () => {
  daemon = await Cloisterd.start({ args: ['--log-level', 'debug'] })
})

afterAll(() => daemon.remove())

/** Sends bytes, half-closes if wanted, and resolves with the reply when the daemon has closed. */
function talk(bytes: string | Uint8Array, end = true): Promise<string> {
  return new Promise((resolve) => {
    let reply = ''
    const socket = connect({ path: daemon.socket, allowHalfOpen: true }, () =>
      end ? socket.end(bytes) : socket.write(bytes),
    )
    socket.setEncoding('latin1').on('data', (text) => {
      reply += text
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => resolve(reply))
  })
}

const list = 'admin.label.List+ dom0 name dom0\0'

function subscribe(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ path: daemon.socket, allowHalfOpen: true }, () =>
      socket.end('admin.Events+ dom0 name dom0\0'),
    )
    socket.on('error', () => {})
    socket.once('data', () => resolve(socket))
  })
}

async function openDescriptors(): Promise<number> {
  return (await readdir(`/proc/${daemon.pid}/fd`)).length
}

describe('an endpoint', () => {
  it('answers only after the half-close', async () => {
    const socket = connect({ path: daemon.socket, allowHalfOpen: true })
    let reply = ''
    socket.setEncoding('utf8').on('data', (text) => {
      reply += text
    })
    socket.write(list)
    // A later call on another connection is answered first, so the daemon has read the bytes of this one.
    expect(await talk(list)).toContain('red\n')
    expect(reply).toBe('')
    socket.end()
    await expect.poll(() => reply).toContain('red\n')
    socket.destroy()
  })

  it('closes a connection that sends garbage, and serves the next one', async () => {
    for (const bytes of ['', '\0', 'x', 'a b\0', 'a b c\0', Buffer.alloc(70_000, 65), Buffer.alloc(70_000)])
      expect(await talk(bytes)).toBe('')
    expect(await talk(list)).toContain('red\n')
  })

  it('closes a request that grows too long, before its end', async () => {
    expect(await talk(`admin.vm.property.Set+memory dom0 name dom0\0${'1'.repeat(65_536)}`, false)).toBe('')
  })

  it('accepts longer payloads for notes than for other calls, up to a limit', async () => {
    await talk('admin.vm.Create.StandaloneVM+ dom0 name dom0\0name=n label=red')
    expect(await talk(`admin.vm.notes.Set+ dom0 name n\0${'x'.repeat(256_000)}`)).toBe('0\0')
    expect(await talk(`admin.vm.notes.Set+ dom0 name n\0${'x'.repeat(256_001)}`)).toMatch(/^2\0ProtocolError\0/)
  })

  it('notices that a subscriber has gone before there is an event to send', async () => {
    const before = await openDescriptors()
    const sockets = await Promise.all(Array.from({ length: 50 }, subscribe))
    expect(await openDescriptors()).toBeGreaterThanOrEqual(before + 50)
    for (const socket of sockets) socket.destroy()
    await expect.poll(openDescriptors, { timeout: 10_000 }).toBeLessThanOrEqual(before + 2)
  })

  it('serves a thousand connections at once', async () => {
    const replies = await Promise.all(Array.from({ length: 1000 }, () => talk(list)))
    expect(replies.every((reply) => reply.startsWith('0\0red\n'))).toBe(true)
  })

  it('serves again after it had no descriptor left for a connection', async () => {
    const limit = (await openDescriptors()) + 20
    const setLimit = (most: number | string): unknown =>
      execFileSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${most}:`])
    setLimit(limit)
    const sockets = Array.from({ length: 200 }, () => connect(daemon.socket).on('error', () => {}))
    await expect.poll(openDescriptors).toBeGreaterThanOrEqual(limit - 1)
    for (const socket of sockets) socket.destroy()
    setLimit(4096)
    await expect.poll(() => talk(list), { timeout: 10_000 }).toContain('red\n')
  })

  it('drops a request whose sender was killed before its end', async () => {
    await talk('admin.vm.Create.StandaloneVM+ dom0 name dom0\0name=half label=red')
    const script = `const s = require('node:net').connect(process.argv[1]); s.write(process.argv[2].replace('|', '\\0'), () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script, daemon.socket, 'admin.vm.feature.Set+f dom0 name half|half of a val'])
    expect(await talk('admin.vm.feature.Get+f dom0 name half\0')).toMatch(/QubesFeatureNotFoundError/)
  })

  it('cannot be used by other users', async () => {
    expect((await stat(daemon.socket)).mode & 0o777).toBe(0o660)
  })

  it('records writes and refusals', async () => {
    await talk('admin.vm.feature.Set+seen dom0 name dom0\x001')
    await talk('admin.vm.feature.Get+unseen dom0 name dom0\0')
    await expect
      .poll(() => daemon.log())
      .toMatch(/"call":"admin.vm.feature.Set","argument":"seen","source":"dom0","destination":"dom0"/)
    await expect.poll(() => daemon.log()).toMatch(/"call":"admin.vm.feature.Get".*"type":"QubesFeatureNotFoundError"/)
  })
})
