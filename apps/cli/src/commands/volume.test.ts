import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'

let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
  await cli.ok('create', 'work', '-t', 'base')
  await cli.ok('create', 'other', '-t', 'base')
})
afterAll(() => daemon.remove())

async function image(name: string, size: number): Promise<string> {
  const path = join(daemon.folder, name)
  await writeFile(path, Buffer.alloc(size, 'data'))
  return path
}

async function info(domain: string, volume: string): Promise<Record<string, unknown>> {
  return (await cli.json('volume', 'info', domain, volume)) as Record<string, unknown>
}

/** A loop device over a file, where this user may make one. */
async function loopDevice(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await nodeOs().processes.run(['losetup', '--find', '--show', '--read-only', path])
    return Buffer.from(stdout).toString().trim()
  } catch (error) {
    console.info(`no loop device can be made, so that no block device is imported: ${String(error)}`)
    return undefined
  }
}

/** Zeroes without an end. */
async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(1 << 16)
}

describe('a daemon that dies during an import', () => {
  it('is named as the reason', async () => {
    const victim = await Cloisterd.start()
    try {
      const doomed = new Cli(victim.socket)
      await doomed.ok('create', 'base', '--class', 'TemplateVM')
      const listening = Promise.withResolvers<void>()
      const events = doomed.run(['events', 'domain-volume-import-begin', '--count', '2'], {
        onOutput: (piece) => {
          if (piece.includes('connection-established')) listening.resolve()
          if (piece.includes('import-begin')) void victim.kill()
        },
      })
      await listening.promise
      const { status, stderr } = await doomed.run(['volume', 'import', 'base', 'private', '-'], {
        input: Readable.from(endless()),
      })
      await events
      expect(stderr).toMatch(/^cloister: the connection to cloisterd at \S+ broke .*`cloister doctor`/)
      expect(status).toBe(exitStatus.unreachable)
    } finally {
      await victim.remove()
    }
  })
})

describe('cloister volume', () => {
  it('gives a volume the size of the block device that is imported', async ({ skip }) => {
    const device = (await loopDevice(await image('device.img', 3 << 20))) ?? skip('no loop device can be made')
    try {
      await cli.ok('volume', 'import', 'other', 'private', device)
    } finally {
      await nodeOs().processes.run(['losetup', '--detach', device])
    }
    expect((await info('other', 'private'))['size']).toBe(3 << 20)
  })

  it('lists volumes, of all domains or some', async () => {
    const rows = await cli.ok('volume', 'ls', 'work', '--no-header', '-c', 'domain,volume,size,kind')
    expect(rows).toBe(
      [
        'work  root      10.0 GiB  snapshot',
        'work  private    2.0 GiB  persistent',
        'work  volatile  10.0 GiB  volatile',
        'work  kernel         0 B  read-only',
        '',
      ].join('\n'),
    )
    const persistent = await cli.ok(
      'volume',
      'ls',
      '--persistent',
      '--format',
      'csv',
      '--no-header',
      '-c',
      'domain,volume',
    )
    expect(persistent).toBe('base,root\nbase,private\nother,private\nwork,private\n')
    expect(await cli.fails('volume', 'ls', 'nope')).toMatchObject({ status: exitStatus.notFound })
  })

  it('resizes, and shrinks only when told to', async () => {
    expect(await cli.json('volume', 'resize', 'work', 'private', '+1G')).toMatchObject({ size: 3221225472 })
    expect((await info('work', 'private'))['size']).toBe(3221225472)
    const { status, stderr } = await cli.fails('volume', 'resize', 'work', 'private', '1G')
    expect(status).toBe(exitStatus.usage)
    expect(stderr).toContain('--shrink makes it smaller')
    expect(await cli.fails('volume', 'resize', 'work', 'private', 'big')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('volume', 'info', 'work', 'nope')).toMatchObject({ status: exitStatus.notFound })
  })

  it('imports a file, which gives the volume its size', async () => {
    const path = await image('disk.img', 1 << 20)
    const { status, stderr } = await cli.run(['volume', 'import', 'work', 'private', path])
    expect(status).toBe(0)
    expect(stderr).toMatch(/^✓ private of work has new content: 1\.0 MiB in \d+\.\d s\n$/)
    expect(await info('work', 'private')).toMatchObject({ size: 1 << 20 })
  })

  it('imports standard input of exactly the right size', async () => {
    const input = Buffer.alloc(3 << 20, 'more')
    const sized = await cli.run(['volume', 'import', 'other', 'private', '-', '--size', '3M'], { input })
    expect(sized.status).toBe(0)
    expect(await info('other', 'private')).toMatchObject({ size: 3 << 20 })
    const short = await cli.run(['volume', 'import', 'other', 'private', '-'], { input: 'short' })
    expect(short).toMatchObject({ status: exitStatus.failure, stderr: expect.stringContaining('not enough data') })
    expect(await info('other', 'private')).toMatchObject({ size: 3 << 20 })
  })

  it('refuses a file that is not a raw image, and a missing file', async () => {
    const path = join(daemon.folder, 'disk.qcow2')
    await writeFile(path, Buffer.from('QFI\xfb\0\0\0\x03 and so on', 'latin1'))
    expect(await cli.fails('volume', 'import', 'work', 'private', path)).toMatchObject({ status: exitStatus.usage })
    await cli.ok('volume', 'import', 'work', 'private', path, '--raw')
    const missing = await cli.fails('volume', 'import', 'work', 'private', '/nowhere/at all')
    expect(missing.stderr).toMatch(/^cloister: cannot read \/nowhere\/at all: there is no such file; .*\n$/)
    expect(await cli.fails('volume', 'import', 'work', 'private', daemon.folder)).toMatchObject({
      status: exitStatus.failure,
    })
  })

  it('copies, clears and sets', async () => {
    expect(await cli.json('volume', 'copy', 'other', 'private', 'work')).toEqual({
      domain: 'work',
      volume: 'private',
      source: 'other',
    })
    expect(await info('work', 'private')).toMatchObject({ size: 3 << 20 })
    expect(await cli.fails('volume', 'clear', 'work', 'private')).toMatchObject({ status: exitStatus.usage })
    await cli.ok('volume', 'clear', 'work', 'private', '--yes')
    await cli.ok('volume', 'set', 'work', 'private', 'revisions_to_keep', '0')
    expect(await info('work', 'private')).toMatchObject({ revisions_to_keep: 0 })
    await cli.ok('volume', 'set', 'work', 'private', 'rw', 'no')
    expect(await info('work', 'private')).toMatchObject({ rw: false })
    expect(await cli.fails('volume', 'set', 'work', 'private', 'colour', 'x')).toMatchObject({
      status: exitStatus.usage,
    })
    expect(await cli.fails('volume', 'set', 'work', 'private', 'rw', 'maybe')).toMatchObject({
      status: exitStatus.usage,
    })
  })

  it('says what a revision of nothing is', async () => {
    await cli.ok('create', 'fresh', '-t', 'base')
    expect(await cli.fails('volume', 'revert', 'fresh', 'volatile')).toMatchObject({ status: exitStatus.notFound })
  })
})

describe('cloister template import', () => {
  it('makes a template from a file and from standard input', async () => {
    const path = await image('root.img', 2 << 20)
    expect(await cli.json('template', 'import', 'one', path)).toEqual({ name: 'one', class: 'TemplateVM' })
    expect(await info('one', 'root')).toMatchObject({ size: 2 << 20 })
    const piped = await cli.run(['template', 'import', 'two', '-'], { input: Buffer.alloc(1 << 20) })
    expect(piped.status).toBe(0)
    expect(piped.stderr).toMatch(/^✓ template two made: 1\.0 MiB in /)
    expect(await cli.fails('template', 'import', 'one', path)).toMatchObject({ status: exitStatus.state })
  })

  it('takes an image that is mostly hole', async () => {
    const path = await image('sparse.img', 4096)
    await truncate(path, 64 << 20)
    await cli.ok('template', 'import', 'sparse', path)
    const { size, usage } = await info('sparse', 'root')
    expect(size).toBe(64 << 20)
    expect(usage).toBeLessThan(4 << 20)
  })

  it('refuses an image of another format with the command that converts it; --format takes it', async () => {
    const path = join(daemon.folder, 'disk.vhdx')
    await writeFile(path, Buffer.from('vhdxfile'.padEnd(4096, '\0')))
    expect(await cli.fails('template', 'import', 'vhdx', path)).toMatchObject({
      status: exitStatus.usage,
      stderr: expect.stringMatching(/is a VHDX image.*`qemu-img convert -f vhdx .*`; --format raw takes it as it is/),
    })
    const said = await cli.fails('template', 'import', 'vhdx', path, '--format', 'qcow2')
    expect(said.stderr).toContain('does not begin with the magic of qcow2')
    expect(await cli.fails('template', 'import', 'vhdx', path, '--format', 'vhdx')).toMatchObject({
      status: exitStatus.usage,
    })
    await cli.ok('template', 'import', 'vhdx', path, '--format', 'raw')
    expect(await info('vhdx', 'root')).toMatchObject({ size: 4096 })
  })

  it('leaves no template behind when it fails', async () => {
    expect(await cli.run(['template', 'import', 'none', '-'])).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('ls', 'none')).toMatchObject({ status: exitStatus.notFound })
  })
})

describe('cloister pool', () => {
  it('lists, adds, shows and removes pools', async () => {
    expect(await cli.ok('pool', 'ls')).toMatch(/^NAME +DRIVER +SIZE +USAGE +% +WHERE\nvarlibqubes /)
    const folder = join(daemon.folder, 'pool')
    await mkdir(folder)
    await cli.ok('pool', 'add', 'big', 'file', '--set', `dir_path=${folder}`, '--set', 'revisions_to_keep=1')
    expect(await cli.json('pool', 'info', 'big')).toMatchObject({ driver: 'file', dir_path: folder })
    expect(await cli.ok('pool', 'info', 'big')).toMatch(/^dir_path +\/.*\ndriver +file\n/)
    await cli.ok('create', 'inbig', '-t', 'base', '--pool', 'big')
    expect(await cli.fails('pool', 'remove', 'big')).toMatchObject({ status: exitStatus.state })
    await cli.ok('remove', '-y', 'inbig')
    await cli.ok('pool', 'remove', 'big')
    expect(await cli.fails('pool', 'info', 'big')).toMatchObject({ status: exitStatus.notFound })
    expect(await cli.ok('pool', 'drivers')).toMatch(/\nfile-reflink +revisions_to_keep dir_path/)
    await rm(folder, { recursive: true })
  })
})
