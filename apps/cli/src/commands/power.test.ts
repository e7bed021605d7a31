import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'
import { FakeDaemon } from '../testing/fake-daemon.ts'

let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
  await cli.ok('create', 'net', '-t', 'base', '--prop', 'provides_network=true')
  await cli.ok('create', 'work', '-t', 'base', '--prop', 'netvm=net')
})
afterAll(() => daemon.remove())

async function state(name: string): Promise<string> {
  return (await cli.ok('ls', name, '--no-header', '-c', 'state')).trim()
}

describe('power', () => {
  it('reaches all states, and reports a command that changes nothing', async () => {
    expect(await cli.json('start', 'work', 'work')).toEqual([{ name: 'work', result: 'started' }])
    expect(await cli.json('start', 'work')).toEqual([{ name: 'work', result: 'was running already' }])
    expect(await state('net')).toBe('Running')
    await cli.ok('pause', 'work')
    expect(await state('work')).toBe('Paused')
    expect(await cli.fails('start', 'work')).toEqual({
      status: exitStatus.state,
      stderr: 'cloister: work: it is paused; `cloister unpause work` continues it\n',
    })
    await cli.ok('unpause', 'work')
    expect(await cli.fails('unpause', 'work')).toMatchObject({ status: exitStatus.state })
    await cli.ok('suspend', 'work')
    await cli.ok('resume', 'work')
    await cli.ok('kill', 'work')
    expect(await state('work')).toBe('Halted')
    expect(await cli.json('kill', 'work')).toEqual([{ name: 'work', result: 'was halted already' }])
    expect(await cli.fails('pause', 'work')).toMatchObject({ status: exitStatus.state })
  })

  it('says of a paused or suspended domain that it cannot shut down', async () => {
    await cli.ok('start', 'work')
    await cli.ok('pause', 'work')
    for (const options of [[], ['--wait']]) {
      expect(await cli.fails('shutdown', 'work', ...options)).toEqual({
        status: exitStatus.state,
        stderr:
          'cloister: work: it is paused and cannot shut down; `cloister unpause work` first, or `cloister kill work` ends it at once\n',
      })
    }
    expect(await state('work')).toBe('Paused')
    expect(await cli.json('shutdown', '--kill', 'work')).toEqual([
      { name: 'work', result: 'did not shut down and was ended' },
    ])
    expect(await state('work')).toBe('Halted')
    expect(await cli.json('shutdown', 'work')).toEqual([{ name: 'work', result: 'was halted already' }])
  })

  it('with --wait, shuts down a network domain after its clients', async () => {
    await cli.ok('start', 'work')
    const refused = await cli.fails('shutdown', 'net')
    expect(refused.status).toBe(exitStatus.state)
    expect(refused.stderr).toMatch(/^cloister: net: .*work.*--wait\n$/)
    const results = await cli.json('shutdown', '--wait', 'net', 'work')
    expect(results).toEqual([
      { name: 'net', result: 'halted' },
      { name: 'work', result: 'halted' },
    ])
    expect(await cli.json('shutdown', 'net')).toEqual([{ name: 'net', result: 'was halted already' }])
  })

  it('shuts down everything', async () => {
    await cli.ok('start', 'work')
    await cli.ok('shutdown', '--all', '--wait')
    expect(await cli.ok('ls', '--state', 'running', '--no-header', '-c', 'name')).toBe('dom0\n')
    expect(await cli.fails('shutdown')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('shutdown', '--all', 'work')).toMatchObject({ status: exitStatus.usage })
  })

  it('waits no longer than it is told', async () => {
    // A guest that does not listen.
    await using deaf = await FakeDaemon.start((method) => (method === 'admin.vm.Shutdown' ? undefined : '0\0'))
    const patient = new Cli(deaf.socket)
    expect(await patient.fails('shutdown', '--timeout', '0.1', 'work')).toEqual({
      status: exitStatus.timeout,
      stderr: 'cloister: work: it did not halt within 0.1 s; `cloister kill work` ends it at once\n',
    })
    expect(await patient.json('shutdown', '--timeout', '0.1', '--kill', 'work')).toEqual([
      { name: 'work', result: 'did not shut down and was ended' },
    ])
  })
})
