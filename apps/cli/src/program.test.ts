import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../tests/support/cloisterd.ts'
import { commandList, isGroup } from './command-list.ts'
import { exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { Cli } from './testing/cli.ts'
import { FakeDaemon } from './testing/fake-daemon.ts'

let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
})
afterAll(() => daemon.remove())

describe('the list of commands', () => {
  it('has one for every name, each with a description, examples, and options of its own', async () => {
    expect(new Set(commandList.map(({ name }) => name)).size).toBe(commandList.length)
    for (const { name, load } of commandList) {
      const command = await load()
      expect(command.description.length, name).toBeGreaterThan(0)
      const commands = isGroup(command) ? command.commands : [{ name, command, hidden: false }]
      for (const one of commands) {
        if (one.hidden !== true) expect(one.command.examples.length, `${name} ${one.name}`).toBeGreaterThan(0)
        for (const [line] of one.command.examples) expect(line).toMatch(/\bcloister /)
        for (const key of Object.keys(globalOptions)) expect(one.command.options).not.toHaveProperty(key)
      }
    }
  })

  it('lets no option have a letter that another one has', async () => {
    const letters = (specs: object): string[] =>
      Object.values(specs).flatMap((spec: { short?: string }) => spec.short ?? [])
    for (const { name, load } of commandList) {
      const command = await load()
      for (const one of isGroup(command) ? command.commands : [{ command }]) {
        const all = [...letters(globalOptions), ...letters(one.command.options), 'h']
        expect(new Set(all).size, name).toBe(all.length)
      }
    }
  })
})

describe('help', () => {
  it('lists the commands by what they are for', async () => {
    const help = await cli.ok('help')
    expect(help).toBe(await cli.ok('--help'))
    for (const { name, summary } of commandList)
      expect(help).toMatch(new RegExp(`^ {2}${name} +${summary.split(' ')[0]}`, 'm'))
    expect(help).not.toMatch(/^ {2}complete /m)
  })

  it('explains each command, with examples', async () => {
    expect(await cli.ok('help', 'volume', 'resize')).toBe(await cli.ok('volume', 'resize', '--help'))
    const help = await cli.ok('help', 'create')
    expect(help).toContain('Usage: cloister create [options] <NAME>')
    expect(help).toContain('--volume-pool <VOLUME=POOL>')
    expect(help).toContain('Examples:\n  cloister create work --label blue\n      from the default template\n')
    expect(help).not.toContain('\x1b')
    expect(await cli.ok('--color', 'always', 'help', 'create')).toContain('\x1b[1mUsage:')
  })

  it('is what a noun or nothing at all is answered with, as a mistake', async () => {
    const { status, stdout, stderr } = await cli.run([])
    expect({ status, stdout }).toEqual({ status: exitStatus.usage, stdout: '' })
    expect(stderr).toContain('Usage: cloister')
    expect(await cli.fails('pool')).toMatchObject({ status: exitStatus.usage })
  })

  it('tells the version', async () => {
    expect(await cli.ok('--version')).toMatch(/^cloister \d+\.\d+\.\d+\n$/)
    expect(await cli.ok('-q', '--version')).toBe(await cli.ok('--version'))
  })
})

describe('a wrong command line', () => {
  it.each([
    [['lss'], "cloister: unknown command 'lss' (Did you mean ls?); `cloister help` lists the commands\n"],
    [
      ['ls', '--colums', 'a'],
      "cloister: unknown option '--colums' (Did you mean --columns?); see `cloister help ls`\n",
    ],
    [['create'], "cloister: missing required argument 'NAME'; see `cloister help create`\n"],
    [
      ['clone', 'a', 'b', 'c'],
      "cloister: too many arguments for 'clone'. Expected 2 arguments but got 3: a, b, c; see `cloister help clone`\n",
    ],
    [['ls', '--format', 'xml'], 'cloister: --format takes table or json or csv, not "xml"\n'],
    [['ls', '--format'], "cloister: option '--format <FORMAT>' argument missing; see `cloister help ls`\n"],
    [['--color', 'maybe', 'ls'], 'cloister: --color takes auto or always or never, not "maybe"\n'],
  ])('%j is reported in one line', async (args, stderr) => {
    expect(await cli.fails(...args)).toEqual({ status: exitStatus.usage, stderr })
  })

  it('is reported as JSON with --json', async () => {
    const { status, stderr } = await cli.fails('ls', '--nope', '--json')
    expect(status).toBe(exitStatus.usage)
    expect(JSON.parse(stderr)).toEqual({
      error: {
        type: 'UsageError',
        message: "unknown option '--nope'",
        hint: 'see `cloister help ls`',
        status: exitStatus.usage,
      },
    })
  })
})

describe('a daemon', () => {
  it('that is not there is reported once, however many domains were named', async () => {
    const { status, stderr } = await new Cli('/nowhere/qubesd.sock').run(['start', 'a', 'b', 'c'])
    expect(status).toBe(exitStatus.unreachable)
    expect(stderr).toMatch(
      /^cloister: cannot reach cloisterd at \/nowhere\/qubesd\.sock: is it running\? `cloister doctor`.*\n$/,
    )
  })

  it('is found where an option, or the environment, says', async () => {
    const elsewhere = new Cli('/nowhere/qubesd.sock')
    expect(await elsewhere.ok('--socket', daemon.socket, 'ls', '-c', 'name')).toBe('NAME\ndom0\n')
    expect(await elsewhere.ok('ls', '-c', 'name', '--socket', daemon.socket)).toBe('NAME\ndom0\n')
    expect(await cli.ok('ls', '-c', 'name')).toBe('NAME\ndom0\n')
  })

  it('that does not answer has refused', async () => {
    await using refusing = await FakeDaemon.start(() => '')
    const { status, stderr } = await new Cli(refusing.socket).fails('ls')
    expect(status).toBe(exitStatus.denied)
    expect(stderr).toMatch(/^cloister: admin\.vm\.List on dom0 got no answer: .*\n$/)
  })

  it('that talks nonsense is not believed', async () => {
    await using broken = await FakeDaemon.start(() => 'HTTP/1.1 200 OK\r\n')
    expect(await new Cli(broken.socket).fails('ls')).toMatchObject({ status: exitStatus.unreachable })
  })

  it('cannot control the terminal with its replies', async () => {
    const evil = '0\0work\x1b[2J class=AppVM state=Running uuid=1\n'
    await using hostile = await FakeDaemon.start((method) => (method === 'admin.vm.List' ? evil : '0\0'))
    expect(await new Cli(hostile.socket).ok('ls', '-c', 'name')).toBe('NAME\nwork\\x1b[2J\n')
    const exception = '2\0QubesException\0\0no\x1b[2J\nway\0'
    await using rude = await FakeDaemon.start(() => exception)
    expect(await new Cli(rude.socket).fails('ls')).toEqual({
      status: exitStatus.failure,
      stderr: 'cloister: no\\x1b[2J way\n',
    })
  })
})

describe('a failure inside', () => {
  it('shows where it happened only to those who ask', async () => {
    const { stderr } = await cli.run(['ls', 'nope'])
    expect(stderr.split('\n')).toHaveLength(2)
    const debugged = await cli.run(['ls', 'nope'], { env: { CLOISTER_DEBUG: '1' } })
    expect(debugged.stderr).toMatch(/\n {4}at .*ls\.ts:/)
  })
})
