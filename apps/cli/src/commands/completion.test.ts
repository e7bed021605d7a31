import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { completionScripts, shells } from '../completion/scripts.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'
import { FakeDaemon } from '../testing/fake-daemon.ts'

const run = promisify(execFile)
const bin = fileURLToPath(new URL('../../../../bin', import.meta.url))
const { processes } = nodeOs()
const [zsh, fish] = [await processes.find('zsh'), await processes.find('fish')]
for (const [name, path] of Object.entries({ zsh, fish })) {
  if (path === undefined) console.info(`${name} is not installed: its completion is not tried`)
}
let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
  await cli.ok('create', 'work', '-t', 'base')
})
afterAll(() => daemon.remove())

async function inShell(shell: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, CLOISTER_SOCKET: daemon.socket }
  return (await run(shell, args, { env })).stdout
}

async function completed(...words: string[]): Promise<string[]> {
  return (await cli.ok('complete', '--', ...words)).split('\n').filter(Boolean)
}

describe('cloister complete', () => {
  it('asks the daemon', async () => {
    expect(await completed('start', '')).toEqual([
      'dom0\tAdminVM, Running',
      'base\tTemplateVM, Halted',
      'work\tAppVM, Halted',
    ])
    expect(await completed('create', 'x', '-t', '')).toEqual(['base\tTemplateVM, Halted'])
    expect(await completed('create', 'x', '--label', 'bl')).toEqual(['blue', 'black'])
    expect(await completed('volume', 'info', 'work', 'p')).toEqual(['private'])
    expect(await completed('prefs', 'work', 'netv')).toEqual(['netvm'])
    expect(await completed('prefs', '-g', 'default_net')).toEqual(['default_netvm'])
    expect(await completed('ls', '--tag', 'guivm')).toEqual(['guivm-dom0'])
    expect(await completed('volume', 'import', 'work', 'private', '')).toEqual([':file'])
    expect(await completed('ls', '--st')).toEqual(['--state\tdomains in this state only'])
  })

  it('offers nothing that would do harm on a command line, and nothing at all without a daemon', async () => {
    await using fake = await FakeDaemon.start(() => '0\0$(reboot)\nok\n')
    const evil = await new Cli(fake.socket).run(['complete', '--', 'create', 'x', '--pool', ''])
    expect(evil).toEqual({ status: 0, stdout: 'ok\n', stderr: '' })
    const alone = await new Cli('/nowhere/qubesd.sock').run(['complete', '--', 'start', ''])
    expect(alone).toEqual({ status: 0, stdout: '', stderr: '' })
  })
})

describe('cloister completion', () => {
  it('prints the scripts', async () => {
    for (const shell of shells) expect(await cli.ok('completion', shell)).toBe(completionScripts[shell])
    expect(await cli.fails('completion', 'tcsh')).toMatchObject({ status: exitStatus.usage })
  })

  it('works in bash', async () => {
    const lines = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cloister; echo "\${COMPREPLY[*]}"`
    const complete = (...words: string[]): Promise<string> =>
      inShell('bash', ['-c', `${completionScripts.bash}\n${lines}`, 'bash', 'cloister', ...words])
    expect(await complete('sus')).toBe('suspend\n')
    expect(await complete('volume', 'resize', 'w')).toBe('work\n')
    expect(await complete('notes', 'work', '--file', '/etc/pass')).toMatch(/^\/etc\/passwd/)
  })

  it.skipIf(fish === undefined)('works in fish', async () => {
    const lines = (line: string): string => `${completionScripts.fish}\ncomplete -C ${JSON.stringify(line)}`
    expect(await inShell(fish ?? '', ['-c', lines('cloister sus')])).toBe('suspend\tsuspend domains to memory\n')
    expect(await inShell(fish ?? '', ['-c', lines('cloister volume info work p')])).toBe('private\n')
  })

  it.skipIf(zsh === undefined)('is what zsh can read', async () => {
    expect(await inShell(zsh ?? '', ['-f', '-n', '-c', completionScripts.zsh])).toBe('')
  })
})
