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
})
afterAll(() => daemon.remove())

/** Does something as soon as the stream is there. */
function once(work: () => Promise<unknown>): (piece: string) => void {
  let begun = false
  return (piece) => {
    if (begun || !piece.includes('connection-established')) return
    begun = true
    void work()
  }
}

describe('cloister events', () => {
  it('prints what happens as JSON, an object a line', async () => {
    const onOutput = once(() => cli.ok('tags', 'base', 'add', 'seen'))
    const { status, stdout } = await cli.run(['events', '--json', '--count', '2', 'domain-tag-*'], { onOutput })
    expect(status).toBe(0)
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toMatchObject({ subject: null, event: 'connection-established', fields: {} })
    expect(second).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      subject: 'base',
      event: 'domain-tag-add:seen',
      fields: { tag: 'seen' },
    })
  })

  it('prints lines for people, of one domain if that is wanted', async () => {
    const onOutput = once(async () => {
      await cli.ok('prefs', '--global', 'stats_interval', '5')
      await cli.ok('features', 'base', 'a', 'two words')
    })
    const { stdout } = await cli.run(['events', '-d', 'base', '-n', '3'], { onOutput })
    expect(stdout.split('\n').map((line) => line.slice('00:00:00.000 '.length))).toEqual([
      '-            connection-established',
      'base         domain-feature-pre-set:a feature=a value="two words"',
      'base         domain-feature-set:a feature=a value="two words"',
      '',
    ])
  })

  it('leaves by Ctrl-C with the status for that', async () => {
    const ran = await cli.run(['events'], { onOutput: (_, signal) => signal('SIGINT') })
    expect(ran).toMatchObject({ status: exitStatus.interrupted, stderr: '' })
  })

  it('refuses what is no pattern, and domains that are not there', async () => {
    expect(await cli.fails('events', '*-start')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('events', '--count', '0')).toMatchObject({ status: exitStatus.usage })
    expect(await cli.fails('events', '-d', 'nope')).toMatchObject({ status: exitStatus.notFound })
  })

  it('fails when the daemon goes, and shows nothing that would drive a terminal', async () => {
    const event = '1\0work\0features-request\0untrusted_features\0a\x1b]0;evil\x07\0\0'
    await using fake = await FakeDaemon.start(() => `1\0\0connection-established\0\0${event}`)
    const { status, stdout, stderr } = await new Cli(fake.socket).run(['events'])
    expect(status).toBe(exitStatus.unreachable)
    expect(stdout.split('\n')[1]).toMatch(/work +features-request untrusted_features=a\\x1b\]0;evil\\x07$/)
    expect(stderr).toMatch(/^cloister: the daemon ended the stream of admin\.Events.*\n$/)
  })
})
