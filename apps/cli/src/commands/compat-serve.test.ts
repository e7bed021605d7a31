import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { parseReply, type Reply } from '@cloister/admin-protocol'
import { messageText } from '@cloister/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { Cli } from '../testing/cli.ts'

// The programs as the tools of Qubes OS run them (reference: admin-api, 1.4).

let daemon: Cloisterd
let cli: Cli
let root = ''

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
  await cli.ok('create', 'work', '-t', 'base')
  root = await mkdtemp(join(tmpdir(), 'serve-'))
  await cli.ok('compat', 'install', '--root', root, '--run', join(daemon.folder, 'r'))
})
afterAll(async () => {
  await rm(root, { recursive: true })
  await daemon.remove()
})

interface Served {
  readonly status: number | null
  readonly stdout: Buffer
}

async function serve(service: string, target: string, argument: string[], input: Buffer | string): Promise<Served> {
  const env = { ...process.env, QREXEC_REMOTE_DOMAIN: 'dom0', QREXEC_REQUESTED_TARGET: target }
  const child = spawn(join(root, 'etc/qubes-rpc', service), argument, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined).end(input)
  const closed = once(child, 'close')
  const stdout = await buffer(child.stdout)
  await closed
  return { status: child.exitCode, stdout }
}

function said(reply: Reply): string {
  if (reply.kind !== 'exception') throw new Error(`an exception was expected, not ${reply.kind}`)
  return `${reply.exception.type}: ${messageText(reply.exception.message)}`
}

describe('the programs in /etc/qubes-rpc', () => {
  it('import, with a size of its own for the volume', async () => {
    const data = Buffer.alloc(2 << 20, 'content')
    const { status, stdout } = await serve(
      'admin.vm.volume.ImportWithSize',
      'work',
      ['private'],
      Buffer.concat([Buffer.from(`${data.length}\n`), data]),
    )
    expect({ status, reply: parseReply(stdout) }).toEqual({
      status: 0,
      reply: { kind: 'ok', content: Buffer.alloc(0) },
    })
    expect(await cli.json('volume', 'info', 'work', 'private')).toMatchObject({ size: data.length })
  })

  it('import exactly as much as the volume has', async () => {
    const data = Buffer.alloc(2 << 20, 'other')
    expect(await serve('admin.vm.volume.Import', 'work', ['private'], data)).toMatchObject({ status: 0 })
    const short = await serve('admin.vm.volume.Import', 'work', ['private'], 'short')
    expect(short.status).toBe(1)
    expect(said(parseReply(short.stdout))).toContain('the data have 5 bytes')
    const long = await serve('admin.vm.volume.Import', 'work', ['private'], Buffer.alloc((2 << 20) + 1))
    expect(said(parseReply(long.stdout))).toContain('the data are longer')
  })

  it('print what the daemon refuses in the form that the tools read', async () => {
    const missing = await serve('admin.vm.volume.Import', 'nope', ['private'], '')
    expect(missing.status).toBe(1)
    expect(said(parseReply(missing.stdout))).toMatch(/^QubesVMNotFoundError: /)
    const sizeless = await serve('admin.vm.volume.ImportWithSize', 'work', ['private'], 'no size at all\n')
    expect(said(parseReply(sizeless.stdout))).toMatch(/^ProtocolError: /)
    const volumeless = await serve('admin.vm.volume.Import', 'work', [], '')
    expect(said(parseReply(volumeless.stdout))).toMatch(/^ProtocolError: /)
  })

  it('join a console, one at a time', async () => {
    const halted = await serve('admin.vm.Console', 'work', [], '')
    expect(said(parseReply(halted.stdout))).toMatch(/^QubesVMNotRunningError: /)
    await cli.ok('start', 'work')
    const first = await serve('admin.vm.Console', 'work', [], 'hello\n')
    expect({ status: first.status, text: first.stdout.toString() }).toEqual({ status: 0, text: 'hello\n' })
    let busy: Promise<Served> | undefined
    await cli.run(['console', 'work'], {
      input: 'mine\n',
      onOutput: (_, signal) => {
        busy = serve('admin.vm.Console', 'work', [], '').finally(() => signal('SIGTERM'))
      },
    })
    expect((await busy)?.status).toBe(200)
  })

  it('refuse to be run as anything else', async () => {
    const env = { ...process.env, QREXEC_REQUESTED_TARGET: 'work' }
    const other = join(root, 'etc/qubes-rpc/other')
    await expect(
      new Promise((resolve, reject) => {
        execFile('sh', ['-c', `ln -s admin.vm.Console '${other}' && '${other}'`], { env }, (error) =>
          error ? reject(error) : resolve(undefined),
        )
      }),
    ).rejects.toMatchObject({ code: 2 })
  })
})
