import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { exitStatus } from '../exit-status.ts'
import { Cli } from '../testing/cli.ts'

let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM', '--label', 'black')
  await cli.ok('create', 'work', '--template', 'base', '--label', 'blue', '--prop', 'memory=512')
})
afterAll(() => daemon.remove())

describe('cloister ls', () => {
  it('prints a table whose columns line up', async () => {
    expect((await cli.ok('ls')).split('\n').slice(0, 4)).toEqual([
      'NAME  STATE    CLASS       LABEL  TEMPLATE  NETVM',
      'dom0  Running  AdminVM     black  -         -',
      'base  Halted   TemplateVM  black  -         -',
      'work  Halted   AppVM       blue   base      -',
    ])
  })

  it('prints the same as JSON and as CSV', async () => {
    const work = { name: 'work', state: 'Halted', class: 'AppVM', label: 'blue', template: 'base', netvm: null }
    expect(await cli.json('ls', 'work')).toEqual([work])
    expect(await cli.ok('ls', 'work', '--format', 'csv')).toBe(
      'name,state,class,label,template,netvm\nwork,Halted,AppVM,blue,base,\n',
    )
  })

  it('prints columns of every kind, typed for programs', async () => {
    const [row] = (await cli.json('ls', 'work', '-c', 'memory,autostart,tags,uuid,disk,mem,nosuch')) as unknown[]
    expect(row).toEqual({
      memory: 512,
      autostart: false,
      tags: ['audiovm-dom0', 'created-by-dom0', 'guivm-dom0'],
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      disk: expect.any(Number),
      mem: null,
      nosuch: null,
    })
  })

  it('shows those that were asked for', async () => {
    const names = async (...args: string[]): Promise<string> => cli.ok('ls', '--no-header', '-c', 'name', ...args)
    expect(await names('--class', 'templatevm')).toBe('base\n')
    expect(await names('--state', 'halted')).toBe('base\nwork\n')
    expect(await names('--state', 'running,paused')).toBe('dom0\n')
    expect(await names('--tag', 'created-by-dom0', 'work')).toBe('work\n')
    expect(await names('--tag', 'nobody-has-this')).toBe('')
  })

  it('is coloured when that is wanted', async () => {
    expect(await cli.ok('--color', 'always', 'ls', 'work')).toContain('\x1b[34mblue\x1b[0m')
    expect(await cli.ok('ls', 'work')).not.toContain('\x1b')
  })

  it('names what is unknown', async () => {
    expect(await cli.fails('ls', 'work', 'nope')).toEqual({
      status: exitStatus.notFound,
      stderr: 'cloister: there is no domain nope; `cloister ls` lists all domains\n',
    })
    expect(await cli.fails('ls', '--state', 'sleepy')).toMatchObject({ status: exitStatus.usage })
  })
})

describe('cloister create', () => {
  it('makes a domain with what was asked for', async () => {
    const args = ['create', 'web', '-t', 'base', '--label', 'red', '--volume-pool', 'private=varlibqubes']
    const { status, stdout, stderr } = await cli.run(args)
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: '',
      stderr: '✓ web made; `cloister start web` starts it\n',
    })
    expect(await cli.json('create', 'web2', '-t', 'base', '-q')).toEqual({ name: 'web2', class: 'AppVM' })
    expect(await cli.ok('prefs', 'work', 'memory')).toBe('512\n')
  })

  it('makes nothing when a property is refused', async () => {
    expect(await cli.fails('create', 'half', '-t', 'base', '--prop', 'memory=-5')).toEqual({
      status: exitStatus.usage,
      stderr: 'cloister: half was not made: memory must be at least 1, not -5\n',
    })
    expect(await cli.fails('ls', 'half')).toMatchObject({ status: exitStatus.notFound })
  })

  it.each([
    [['work', '-t', 'base'], exitStatus.state],
    [['x', '-t', 'nope'], exitStatus.notFound],
    [['x'], exitStatus.usage],
    [['-leading-dash'], exitStatus.usage],
    [['x', '-t', 'base', '--label', 'nope'], exitStatus.notFound],
    [['x', '-t', 'base', '--pool', 'nope'], exitStatus.notFound],
    [['x', '-t', 'base', '--pool', 'a', '--volume-pool', 'root=b'], exitStatus.usage],
    [['x', '-t', 'base', '--class', 'NopeVM'], exitStatus.usage],
    [['x', '-t', 'two words'], exitStatus.usage],
  ])('refuses %j', async (args, status) => {
    const failure = await cli.fails('create', ...args)
    expect(failure.status).toBe(status)
    expect(failure.stderr).toMatch(/^cloister: .*\n$/)
  })
})

describe('cloister clone', () => {
  it('makes a copy', async () => {
    await cli.ok('features', 'work', 'kept', 'yes')
    expect(await cli.json('clone', 'work', 'copy')).toEqual({ name: 'copy', source: 'work' })
    expect(await cli.ok('features', 'copy', 'kept')).toBe('yes\n')
    expect(await cli.fails('clone', 'work', 'copy')).toMatchObject({ status: exitStatus.state })
  })
})

describe('cloister remove', () => {
  it('asks first, and does nothing where there is no terminal', async () => {
    expect(await cli.fails('remove', 'work')).toEqual({
      status: exitStatus.usage,
      stderr: 'cloister: Remove work and its volumes? There is no terminal on which to ask; confirm it with --yes\n',
    })
    expect(await cli.ok('ls', 'work')).toContain('work')
  })

  it('names all users of a domain', async () => {
    await cli.ok('create', 'net', '-t', 'base', '--prop', 'provides_network=true')
    await cli.ok('create', 'user1', '-t', 'base', '--prop', 'netvm=net')
    await cli.ok('create', 'user2', '-t', 'base', '--prop', 'netvm=net')
    await cli.ok('prefs', '--global', 'clockvm', 'net')
    expect(await cli.fails('remove', '--yes', 'net')).toEqual({
      status: exitStatus.state,
      stderr:
        'cloister: net: it is in use: global clockvm; netvm of user1, user2; change that first with `cloister prefs`\n',
    })
    await cli.ok('prefs', '--global', 'clockvm', 'none')
    expect(await cli.json('remove', '--yes', 'user1', 'user2', 'net')).toEqual([
      { name: 'user1', result: 'removed' },
      { name: 'user2', result: 'removed' },
      { name: 'net', result: 'removed' },
    ])
  })

  it('removes what runs only when told to', async () => {
    await cli.ok('create', 'runs', '-t', 'base')
    await cli.ok('start', 'runs')
    expect(await cli.fails('remove', '-y', 'runs')).toMatchObject({ status: exitStatus.state })
    await cli.ok('remove', '-y', '--kill', 'runs')
  })

  it('does what it can, and its status says what all failures have in common', async () => {
    await cli.ok('create', 'going', '-t', 'base')
    const { status, stderr } = await cli.run(['remove', '-y', 'nope', 'going', 'nopetoo'])
    expect(status).toBe(exitStatus.notFound)
    expect(stderr.split('\n').filter(Boolean)).toEqual([
      'cloister: nope: No such domain: nope; `cloister ls` shows the domains',
      '✓ going removed',
      'cloister: nopetoo: No such domain: nopetoo; `cloister ls` shows the domains',
    ])
    expect(await cli.fails('remove', '-y', 'nope', 'base')).toMatchObject({ status: exitStatus.failure })
  })
})
