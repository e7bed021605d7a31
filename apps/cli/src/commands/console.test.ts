import { nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli, quoted } from '../testing/cli.ts'
import { PseudoTerminal } from '../testing/pseudo-terminal.ts'

// The console of a domain of the test driver echoes what it is sent.

let daemon: Cloisterd
let cli: Cli
const script = await nodeOs().processes.find('script')
if (script === undefined) console.info('script is not installed: consoles are not tried on a terminal')

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
  await cli.ok('create', 'work', '-t', 'base')
  await cli.ok('start', 'work')
})
afterAll(() => daemon.remove())

describe('cloister console, between pipes', () => {
  it('copies until the input has ended and the console is silent', async () => {
    const { status, stdout, stderr } = await cli.run(['console', 'work', '--linger', '0.3'], { input: 'uname -r\n' })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'uname -r\n', stderr: '' })
  })

  it('copies all of a long text', async () => {
    const input = Buffer.alloc(1 << 20, 'a line of text\n')
    const ran = await cli.run(['console', 'work', '--linger', '2'], { input })
    expect(ran.status).toBe(0)
    expect(ran.stdout).toBe(input.toString())
  })

  it('prints nothing that controls a terminal, unless every byte is asked for', async () => {
    const input = 'a\x1b]0;title\x07b\x1b[6n\x1b[31mc\x1b[0m\n'
    expect(await cli.run(['console', 'work', '--linger', '0.3'], { input })).toMatchObject({
      status: 0,
      stdout: 'ab\x1b[31mc\x1b[0m\n\x1b[0m',
    })
    expect(await cli.run(['console', '--raw', 'work', '--linger', '0.3'], { input })).toMatchObject({ stdout: input })
  })

  it('ends well when the domain stops', async () => {
    await cli.ok('create', 'short', '-t', 'base')
    await cli.ok('start', 'short')
    const watching = cli.run(['console', 'short'], {
      input: 'hello\n',
      onOutput: () => void cli.ok('kill', 'short'),
    })
    expect(await watching).toEqual({ status: 0, stdout: 'hello\n', stderr: '' })
  })

  it('says that another user has it', async () => {
    let second: Promise<unknown> = Promise.resolve()
    await cli.run(['console', 'work'], {
      input: 'first\n',
      onOutput: (_, signal) => {
        second = cli.fails('console', 'work').finally(() => signal('SIGTERM'))
      },
    })
    expect(await second).toMatchObject({
      status: exitStatus.state,
      stderr: expect.stringContaining('a console has one user at a time'),
    })
  })

  it('waits for the domain to start', async () => {
    await cli.ok('create', 'later', '-t', 'base')
    const refused = await cli.fails('console', 'later')
    expect(refused).toEqual({
      status: exitStatus.state,
      stderr: 'cloister: later does not run; `cloister start later` starts it, --wait waits until it is started\n',
    })
    const waiting = cli.run(['console', '--wait', 'later', '--linger', '0.3'], { input: 'now\n' })
    await cli.ok('start', 'later')
    expect(await waiting).toMatchObject({ status: 0, stdout: 'now\n' })
    expect(await cli.fails('console', 'nope')).toMatchObject({ status: exitStatus.notFound })
  })
})

describe.skipIf(script === undefined)('cloister console, on a terminal', () => {
  it('sends every key to the guest, leaves by Ctrl-], and restores the terminal', async () => {
    const shell = `${cli.commandLine('console', 'work')}; echo "status $?"; stty -a`
    await using terminal = PseudoTerminal.start(script ?? '', shell)
    await terminal.shows('Ctrl-] leaves it.')
    // In raw mode Ctrl-C reaches the guest, and only the guest echoes what is typed.
    terminal.type('before\x03\x1b[32mafter')
    await terminal.shows('before\x1b[32mafter')
    terminal.type('\x1d')
    await terminal.shows('Left the console of work.')
    await terminal.shows('status 0')
    await terminal.ended
    expect(terminal.text).toMatch(/ icanon /)
    expect(terminal.text).toMatch(/ echo /)
  })

  it('restores the terminal when it is ended from outside', async () => {
    const command = `echo "pid $$"; exec env ${cli.commandLine('console', 'work')}`
    await using terminal = PseudoTerminal.start(script ?? '', `sh -c ${quoted(command)}; stty -a`)
    const pid = Number(await terminal.finds(/pid (\d+)/))
    await terminal.shows('Ctrl-] leaves it.')
    process.kill(pid, 'SIGTERM')
    await terminal.ended
    expect(terminal.text).toMatch(/ icanon /)
  })
})
