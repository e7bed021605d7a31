import { describe, expect, it } from 'vitest'
import { Cli } from '../testing/cli.ts'
import { FakeDaemon } from '../testing/fake-daemon.ts'

// What the daemon knows to be wrong, as `cloister doctor` and `cloister ls` show it.

const full = "is paused: no space is left on the host for disk 'vda'"
const broken = "is paused: disk 'vda' cannot be read or written on the host"
const damaged = 'has a stored value that cannot be read: netvm: there is no domain \\\\x\\nnet'

const problems = [
  'system  has a stored value that cannot be read: default_netvm: there is no domain net',
  `domain work ${full}`,
  `domain mail ${damaged}`,
  `domain mail ${broken}`,
  'pool big is out of reach: its folder is missing',
  'pool main has images of no domain that were moved aside: /p/appvms/work/root.img.aside-1',
  'kernel 6.1 cannot be used: Missing file: /k/6.1/vmlinuz',
]

/** A system with the domains work, mail and idle in these states, whose daemon gives that reply to `cloister.Problems`. */
async function system(reply: string | undefined, states: readonly string[] = ['Paused', 'Paused', 'Paused']) {
  const calls: string[] = []
  const daemon = await FakeDaemon.start((method) => {
    calls.push(method)
    const domains = ['work', 'mail', 'idle'].map((name, at) => `${name} class=AppVM state=${states[at]}\n`)
    if (method === 'admin.vm.List') return `0\0dom0 class=AdminVM state=Running\n${domains.join('')}`
    return method === 'cloister.Problems' ? reply : '2\0QubesException\0\0not served\0'
  })
  const asked = (): number => calls.filter((method) => method === 'cloister.Problems').length
  return { cli: new Cli(daemon.socket), asked, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
}

const listed = `0\0${problems.map((line) => `${line}\n`).join('')}`
const unknown = '2\0ProtocolError\0\0There is no call cloister.Problems\0'
const ls = ['ls', '-c', 'name,state']

describe('cloister doctor', () => {
  it('shows each problem with its object, and what to do', async () => {
    await using fake = await system(listed)
    const { stdout, status } = await fake.cli.run(['doctor', '--json'])
    const findings: { check: string; level: string; detail: string; hint: string }[] = JSON.parse(stdout)
    const found = findings.filter(({ check }) => check === 'problems')
    expect(found.map(({ level, detail }) => `${level}: ${detail}`)).toEqual([
      'failure: the system has a stored value that cannot be read: default_netvm: there is no domain net',
      `warning: domain work ${full}`,
      'warning: domain mail has a stored value that cannot be read: netvm: there is no domain \\x\nnet',
      `warning: domain mail ${broken}`,
      'failure: pool big is out of reach: its folder is missing',
      'warning: pool main has images of no domain that were moved aside: /p/appvms/work/root.img.aside-1',
      'warning: kernel 6.1 cannot be used: Missing file: /k/6.1/vmlinuz',
    ])
    expect(found.map(({ hint }) => hint)).toEqual([
      expect.stringContaining('`cloister prefs --global PROPERTY --reset`'),
      'free space, then `cloister unpause work`',
      expect.stringContaining('`cloister prefs mail PROPERTY --reset`'),
      'mend the disk of the host, then `cloister unpause mail`',
      expect.stringContaining('`cloister pool info big`'),
      expect.stringContaining('`cloister volume import`'),
      expect.stringContaining('`cloister prefs DOMAIN kernel NAME`'),
    ])
    expect(status).toBe(1)
  })

  it('says that there is none', async () => {
    await using fake = await system('0\0')
    expect((await fake.cli.run(['doctor'])).stdout).toMatch(/^✓ problems {2}cloisterd reports nothing to mend$/m)
  })

  it.each([
    ['an empty reply', ''],
    ['ProtocolError', unknown],
  ])('leaves problems out for a daemon that answers with %s', async (_, reply) => {
    await using fake = await system(reply)
    const { stdout } = await fake.cli.run(['doctor'])
    expect(stdout).toContain(' daemon ')
    expect(stdout).not.toContain(' problems ')
  })
})

describe('cloister ls', () => {
  it('notes why domains are paused, after the table, and what to do', async () => {
    await using fake = await system(listed)
    const { stdout, stderr, status } = await fake.cli.run(ls)
    expect(stdout).toMatch(/^NAME .*\n.*\n.*\n.*\nidle +Paused\n$/)
    expect(stderr).toBe(
      `work ${full}: free space, then \`cloister unpause work\`\n` +
        `mail ${broken}: mend the disk of the host, then \`cloister unpause mail\`\n`,
    )
    expect([status, fake.asked()]).toEqual([0, 1])
  })

  it('is about the domains of the list only', async () => {
    await using fake = await system(listed)
    expect((await fake.cli.run([...ls, 'mail'])).stderr).toMatch(/^mail .*\n$/)
    expect((await fake.cli.run([...ls, 'dom0'])).stderr).toBe('')
    expect(fake.asked()).toBe(1)
  })

  it('does not ask when no domain is paused, nor for programs', async () => {
    await using running = await system(listed, ['Running', 'Halted', 'Running'])
    expect((await running.cli.run(ls)).stderr).toBe('')
    await using paused = await system(listed)
    expect(await paused.cli.run([...ls, '--json'])).toMatchObject({ status: 0, stderr: '' })
    expect(running.asked() + paused.asked()).toBe(0)
  })

  it.each([
    ['an empty reply', ''],
    ['ProtocolError', unknown],
  ])('notes nothing when the daemon answers with %s', async (_, reply) => {
    await using fake = await system(reply)
    expect(await fake.cli.run(ls)).toMatchObject({ status: 0, stderr: '' })
    expect(fake.asked()).toBe(1)
  })

  it('succeeds, and says so, when the daemon fails to tell', async () => {
    await using fake = await system('2\0QubesException\0\0an incident\0')
    const { status, stderr } = await fake.cli.run(ls)
    expect(stderr).toBe('why domains are paused cannot be shown: an incident\n')
    expect(status).toBe(0)
  })

  it('shows no control of a reason', async () => {
    await using fake = await system('0\0domain work is paused: \x1b[2J\\nx\n')
    expect((await fake.cli.run(ls)).stderr).toMatch(/^work is paused: \\x1b\[2J\\nx: mend [^\n]*\n$/)
  })
})
