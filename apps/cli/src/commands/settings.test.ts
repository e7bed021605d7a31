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
})
afterAll(() => daemon.remove())

describe('a name on the command line', () => {
  it.each([
    [['create', 'foo bar'], 'NAME is "foo bar", which no domain can be called; a name is a letter, then'],
    [['create', ''], 'NAME is "", which no domain can be called'],
    [['clone', 'work', 'none'], 'NAME is "none", which no domain can be called'],
    [['create', 'new', '--label', 'a b'], '--label is "a b": a name has no spaces'],
    [['create', 'new', '--prop', 'a b=1'], '--prop PROPERTY is "a b": a name has no spaces'],
    [['start', 'work', 'a b'], 'DOMAIN is "a b": a name has no spaces'],
    [['features', 'work', 'a b', '1'], 'FEATURE is "a b": a name has no spaces'],
    [['tags', 'work', 'add', 'a b'], 'TAG is "a b": a name has no spaces'],
    [['label', 'add', 'a b', 'ff0000'], 'NAME is "a b": a name has no spaces'],
    [['pool', 'add', 'a b', 'file'], 'POOL is "a b": a name has no spaces'],
    [['volume', 'info', 'work', ''], 'VOLUME is empty'],
  ])('%j is refused with its reason', async (args, reason) => {
    const { status, stderr } = await cli.fails(...args)
    expect(stderr).toContain(`cloister: ${reason}`)
    expect(status).toBe(exitStatus.usage)
  })

  it.each([
    [['volume', 'set', 'work', 'private', 'revisions_to_keep', 'abc'], 'VALUE'],
    [['volume', 'set', 'work', 'private', 'revisions_to_keep', '5000000000'], 'VALUE'],
    [['pool', 'add', 'p', 'file', '--set', 'dir_path=/p', '--set', 'revisions_to_keep=abc'], 'revisions_to_keep'],
  ])('%j is no number of revisions', async (args, name) => {
    const { status, stderr } = await cli.fails(...args)
    expect(stderr).toContain(`cloister: ${name} is a whole number from -1 to 999999999, not "`)
    expect(status).toBe(exitStatus.usage)
  })

  it('of a label means that label, also where it looks like an index', async () => {
    await cli.ok('label', 'add', 'label-3', '00ff00')
    await cli.ok('prefs', 'work', 'label', 'label-3')
    expect(await cli.ok('prefs', 'work', 'label')).toBe('label-3\n')
    await cli.ok('prefs', 'work', 'label', 'label-4')
    expect(await cli.ok('prefs', 'work', 'label')).toBe('green\n')
    await cli.ok('label', 'remove', 'label-3')
  })

  it('of a host in a firewall rule must be one that a host can have, unless it is forced', async () => {
    const { status, stderr } = await cli.fails('firewall', 'add', 'work', 'accept', 'dst4=1.2.3')
    expect(stderr).toBe(
      'cloister: no host can be called "1.2.3": it looks like an address that is not complete; correct the host or, to have that rule all the same, say --force\n',
    )
    expect(status).toBe(exitStatus.usage)
    await cli.ok('firewall', 'add', 'work', 'accept', 'dst4=1.2.3', '--force')
    await cli.ok('firewall', 'set', 'work', '--reset')
  })
})

describe('cloister prefs', () => {
  it('lists, shows, sets, explains and resets', async () => {
    expect(await cli.ok('prefs', 'work')).toMatch(/^PROPERTY +VALUE +DEFAULT +TYPE\n/)
    expect(await cli.json('prefs', 'work', 'memory')).toEqual({
      property: 'memory',
      value: 400,
      default: true,
      type: 'int',
    })
    expect(await cli.run(['prefs', 'work', 'memory', '700'])).toEqual({
      status: 0,
      stdout: '',
      stderr: '✓ work: memory is 700\n',
    })
    expect(await cli.ok('prefs', 'work', '--changed')).toMatch(/\nmemory +700 +no +int\n/)
    expect(await cli.ok('prefs', 'work', 'memory', '--describe')).toMatch(
      /^memory \(int\): .*\n {2}value {4}700\n {2}default {2}400\n$/,
    )
    expect(await cli.json('prefs', 'work', 'memory', '--reset')).toEqual({
      domain: 'work',
      property: 'memory',
      value: null,
    })
    expect(await cli.ok('prefs', 'work', 'memory')).toBe('400\n')
  })

  it('knows no domain, and words that are not values', async () => {
    await cli.ok('prefs', 'work', 'default_dispvm', 'none')
    await cli.ok('create', 'alone', '-t', 'base', '--prop', 'netvm=none')
    expect(await cli.json('prefs', 'alone', 'netvm')).toMatchObject({ value: null, default: false })
    // A text like any other where no domain is meant.
    await cli.ok('prefs', 'work', 'default_user', 'none')
    expect(await cli.ok('prefs', 'work', 'default_user')).toBe('none\n')
    expect(await cli.json('prefs', 'work', 'default_dispvm')).toMatchObject({ value: null, default: false })
    expect(await cli.fails('prefs', 'work', 'memory', 'much')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('prefs', 'work', 'nosuch')).toMatchObject({ status: exitStatus.notFound })
    expect(await cli.fails('prefs', 'nope', 'memory')).toMatchObject({ status: exitStatus.notFound })
    expect(await cli.fails('prefs', 'work', '--reset')).toMatchObject({ status: exitStatus.usage })
  })

  it('is about the whole system without a domain', async () => {
    expect(await cli.ok('prefs', '--no-header', '-c', 'property')).toContain('default_template\n')
    await cli.ok('prefs', '--global', 'default_template', 'base')
    expect(await cli.ok('prefs', '-g', 'default_template')).toBe('base\n')
    await cli.ok('prefs', '--global', 'default_template', 'none')
    expect(await cli.ok('prefs', '-g', 'default_template')).toBe('\n')
    expect(await cli.fails('prefs', '-g', 'a', 'b', 'c')).toMatchObject({ status: exitStatus.usage })
  })
})

describe('cloister features', () => {
  it('lists, sets, shows and unsets', async () => {
    await cli.ok('features', 'work', 'service.cups', '1')
    await cli.ok('features', 'work', 'empty', '')
    expect(await cli.ok('features', 'work')).toBe('FEATURE       VALUE\nservice.cups  1\nempty         -\n')
    expect(await cli.json('features', 'work', 'empty')).toEqual({ feature: 'empty', value: '' })
    await cli.ok('features', 'work', 'empty', '--unset')
    expect(await cli.fails('features', 'work', 'empty')).toEqual({
      status: exitStatus.notFound,
      stderr: 'cloister: work has no feature empty; `cloister features` lists those that are set\n',
    })
  })
})

describe('cloister tags', () => {
  it('lists, adds and removes', async () => {
    await cli.ok('tags', 'work', 'add', 'office', 'trusted')
    expect(await cli.ok('tags', 'work', 'remove', 'trusted')).toBe('')
    expect(await cli.ok('tags', 'work')).toBe('audiovm-dom0\ncreated-by-dom0\nguivm-dom0\noffice\n')
    expect(await cli.json('tags', 'work', 'add', 'x')).toContain('x')
    expect(await cli.fails('tags', 'work', 'remove', 'trusted')).toMatchObject({ status: exitStatus.notFound })
    expect(await cli.fails('tags', 'work', 'add', 'not a tag')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('tags', 'work', 'paint', 'x')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('tags', 'work', 'add')).toMatchObject({ status: exitStatus.usage })
  })
})

describe('cloister notes', () => {
  it('keeps text of several lines, from options and files', async () => {
    expect(await cli.ok('notes', 'work')).toBe('')
    await cli.run(['notes', 'work', '--file', '-'], { input: 'first\nsecond ✓\n' })
    expect(await cli.ok('notes', 'work')).toBe('first\nsecond ✓\n')
    await cli.ok('notes', 'work', '--set', 'other')
    expect(await cli.json('notes', 'work')).toEqual({ domain: 'work', notes: 'other' })
    await cli.ok('notes', 'work', '--delete')
    expect(await cli.ok('notes', 'work')).toBe('')
  })

  it('refuses what is no text, too long, or said twice', async () => {
    const bad = await cli.run(['notes', 'work', '--file', '-'], { input: Uint8Array.of(0xff) })
    expect(bad.status).toBe(exitStatus.usage)
    const long = await cli.run(['notes', 'work', '--file', '-'], { input: 'x'.repeat(256_001) })
    expect(long).toMatchObject({ status: exitStatus.usage, stderr: expect.stringContaining('256000 bytes') })
    expect(await cli.fails('notes', 'work', '--delete', '--set', 'x')).toMatchObject({ status: exitStatus.usage })
  })
})

describe('cloister firewall', () => {
  it('lists, adds, deletes and replaces rules', async () => {
    await cli.ok(
      'firewall',
      'add',
      'work',
      '--before',
      '1',
      'accept',
      'dsthost=example.org',
      'proto=tcp',
      'dstports=443',
    )
    await cli.ok('firewall', 'add', 'work', 'drop', 'comment=the', 'rest')
    expect(await cli.ok('firewall', 'ls', 'work')).toBe(
      [
        'NO  ACTION  DESTINATION  PROTOCOL  PORTS  EXPIRES  COMMENT',
        ' 1  accept  example.org  tcp       443    -        -',
        ' 2  accept  -            -         -      -        -',
        ' 3  drop    -            -         -      -        the rest',
        '',
      ].join('\n'),
    )
    await cli.ok('firewall', 'remove', 'work', '2')
    const rules = await cli.ok('firewall', 'ls', 'work', '--rules')
    expect(rules).toBe('action=accept dsthost=example.org proto=tcp dstports=443-443\naction=drop comment=the rest\n')
    expect((await cli.run(['firewall', 'set', 'work', '-'], { input: rules })).status).toBe(0)
    expect(await cli.ok('firewall', 'ls', 'work', '--rules')).toBe(rules)
    await cli.ok('firewall', 'set', 'work', '--reset')
    expect(await cli.ok('firewall', 'ls', 'work', '--rules')).toBe('action=accept\n')
    expect(await cli.json('firewall', 'ls', 'work', '--rules')).toEqual(['action=accept'])
    await cli.ok('firewall', 'reload', 'work')
  })

  it('refuses what is no rule', async () => {
    expect(await cli.fails('firewall', 'add', 'work', 'accept', 'dstports=80')).toMatchObject({
      status: exitStatus.usage,
    })
    expect(await cli.fails('firewall', 'add', 'work', '--before', '9', 'drop')).toMatchObject({
      status: exitStatus.usage,
    })
    expect(await cli.fails('firewall', 'remove', 'work', '7')).toMatchObject({ status: exitStatus.notFound })
    expect(await cli.fails('firewall', 'set', 'work')).toMatchObject({ status: exitStatus.usage })
  })
})

describe('cloister label', () => {
  it('lists, makes and removes labels', async () => {
    await cli.ok('label', 'add', 'pink', '#FF69b4')
    expect(await cli.ok('label', 'ls')).toMatch(/\npink +9 {2}0xff69b4\n$/)
    await cli.ok('prefs', 'work', 'label', 'pink')
    expect(await cli.fails('label', 'remove', 'pink')).toMatchObject({ status: exitStatus.state })
    await cli.ok('prefs', 'work', 'label', 'red')
    await cli.ok('label', 'remove', 'pink')
    expect(await cli.fails('label', 'add', 'x', 'pinkish')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('prefs', 'work', 'label', 'pink')).toMatchObject({ status: exitStatus.notFound })
  })
})
