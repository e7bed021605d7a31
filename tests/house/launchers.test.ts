import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeOs, ProcessError, type RunOptions } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The launchers run in a copy of the checkout, with an app that prints how it was started.

const { processes } = nodeOs()
const bin = fileURLToPath(new URL('../../bin', import.meta.url))
const app = `console.log(JSON.stringify({
  source: import.meta.filename, args: process.argv.slice(2), node: process.execPath,
  conditions: process.execArgv, threads: process.env.UV_THREADPOOL_SIZE }))`
let scratch = ''
let checkout = ''
let pinned = ''

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'launchers-'))
  checkout = join(scratch, "it's a $HOME, bin/or `not`")
  pinned = join(checkout, `node_modules/node-linux-${process.arch}/bin`)
  await cp(bin, join(checkout, 'bin'), { recursive: true })
  for (const name of ['cli', 'daemon']) {
    await writeTree(join(checkout, 'apps', name), {
      'src/main.ts': app,
      'dist/main.js': app,
      'package.json': '{"type":"module"}',
    })
  }
  await mkdir(pinned, { recursive: true })
  await symlink(process.execPath, join(pinned, 'node'))
})
afterAll(() => rm(scratch, { recursive: true }))

async function writeTree(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

interface Started {
  readonly source: string
  readonly args: string[]
  readonly conditions: string[]
  readonly threads?: string
}

async function start(launcher: string, args: readonly string[] = [], env: RunOptions['env'] = {}): Promise<Started> {
  const { stdout } = await processes.run([launcher, ...args], { env })
  return JSON.parse(Buffer.from(stdout).toString())
}

describe('launchers', () => {
  it('start the app with unchanged arguments', async () => {
    const args = ['--version', 'two words', '', '*', '$(id)']
    expect((await start(join(checkout, 'bin/cloister'), args)).args).toEqual(args)
  })

  it('start the sources of a checkout', async () => {
    const { source, conditions } = await start(join(checkout, 'bin/cloister'))
    expect(source).toBe(join(checkout, 'apps/cli/src/main.ts'))
    expect(conditions).toEqual(['--conditions=@cloister/source'])
  })

  it('start the built files where there are no sources', async () => {
    const built = join(scratch, 'built')
    await cp(checkout, built, { recursive: true, verbatimSymlinks: true })
    await rm(join(built, 'apps/daemon/src'), { recursive: true })
    expect((await start(join(built, 'bin/cloisterd'))).source).toBe(join(built, 'apps/daemon/dist/main.js'))
  })

  it('work through symbolic links, by a relative path and from PATH', async () => {
    const folder = join(scratch, 'usr local bin')
    await mkdir(folder)
    await symlink(join(checkout, 'bin/cloister'), join(folder, 'absolute'))
    await symlink(relative(folder, join(checkout, 'bin/cloister')), join(folder, 'relative'))
    await symlink('relative', join(folder, 'again'))
    await symlink(join(checkout, 'bin'), join(folder, 'linked folder'))
    const names = ['absolute', 'relative', 'again', 'linked folder/cloister']
    const paths = [...names.map((name) => join(folder, name)), relative('.', join(folder, 'again'))]
    const expected = join(checkout, 'apps/cli/src/main.ts')
    for (const path of paths) expect((await start(path)).source).toBe(expected)
    expect((await start('absolute', [], { PATH: `${folder}:/usr/bin:/bin` })).source).toBe(expected)
  })

  it('work in the bare environment of a service', async () => {
    const { stdout } = await processes.run(['env', '-i', join(checkout, 'bin/cloisterd')])
    expect(JSON.parse(Buffer.from(stdout).toString()).source).toBe(join(checkout, 'apps/daemon/src/main.ts'))
  })

  it('give the daemon more threads for files, unless the environment sets a number', async () => {
    expect((await start(join(checkout, 'bin/cloisterd'))).threads).toBe('16')
    expect((await start(join(checkout, 'bin/cloisterd'), [], { UV_THREADPOOL_SIZE: '3' })).threads).toBe('3')
    expect((await start(join(checkout, 'bin/cloister'))).threads).toBeUndefined()
  })

  it('let Node cache what it compiled', async () => {
    const home = join(scratch, 'home')
    await mkdir(home)
    await start(join(checkout, 'bin/cloister'), [], { HOME: home, XDG_CACHE_HOME: '' })
    expect(await readdir(join(home, '.cache/cloister/node'))).toHaveLength(1)
    const cache = join(scratch, 'cache')
    await start(join(checkout, 'bin/cloister'), [], { HOME: home, XDG_CACHE_HOME: cache })
    expect(await readdir(join(cache, 'cloister/node'))).toHaveLength(1)
  })

  it.runIf(process.getuid?.() === 0)('make no folder in the home of another user', async () => {
    const home = join(scratch, 'home of nobody')
    await mkdir(home)
    await chown(home, 65534, 65534)
    await start(join(checkout, 'bin/cloister'), [], { HOME: home, XDG_CACHE_HOME: '' })
    expect(await readdir(home)).toEqual([])
  })

  it.runIf(process.getuid?.() === 0)('do not use a cache folder of another user', async () => {
    const cache = join(scratch, 'cache of nobody')
    await mkdir(cache)
    await chown(cache, 65534, 65534)
    await start(join(checkout, 'bin/cloister'), [], { XDG_CACHE_HOME: cache })
    expect(await readdir(cache)).toEqual([])
  })

  it('are replaced by the app, so that signals reach it', async () => {
    await writeTree(join(checkout, 'apps/cli'), {
      'src/main.ts': 'console.log(JSON.stringify({ args: [process.pid, process.ppid] }))',
    })
    const { args } = await start(join(checkout, 'bin/cloister')).finally(() =>
      writeTree(join(checkout, 'apps/cli'), { 'src/main.ts': app }),
    )
    expect(args[1]).toBe(process.pid)
  })
})

describe('launchers of this checkout', () => {
  it.each(['cloister', 'cloisterd'])('%s prints its version', async (name) => {
    const { stdout } = await processes.run([join(bin, name), '--version'])
    expect(Buffer.from(stdout).toString()).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n$`))
  })
})

describe('launchers without the pinned Node', () => {
  let folder = ''

  beforeAll(async () => {
    folder = join(scratch, 'unpinned')
    await cp(checkout, folder, { recursive: true, verbatimSymlinks: true })
    await rm(join(folder, 'node_modules'), { recursive: true })
  })

  it('take the Node in PATH if it is new enough', async () => {
    const path = join(scratch, 'new')
    await mkdir(path)
    await symlink(process.execPath, join(path, 'node'))
    const { source } = await start(join(folder, 'bin/cloister'), [], { PATH: `${path}:/usr/bin:/bin` })
    expect(source).toBe(join(folder, 'apps/cli/src/main.ts'))
  })

  it('print an error when it is too old or missing', async () => {
    const path = join(scratch, 'old')
    await writeTree(path, { node: '#!/bin/sh\nexit 1\n' })
    await chmod(join(path, 'node'), 0o755)
    const tools = join(scratch, 'tools')
    await mkdir(tools)
    for (const tool of ['sh', 'readlink']) await symlink((await processes.find(tool)) ?? '', join(tools, tool))
    for (const PATH of [`${path}:${tools}`, tools]) {
      const failure = await start(join(folder, 'bin/cloister'), [], { PATH }).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(ProcessError)
      expect(failure).toMatchObject({
        status: { code: 1 },
        stderr: expect.stringContaining('no Node 24 or later in PATH'),
      })
    }
  })
})
