import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../../tests/support/cloisterd.ts'
import { Cli } from '../testing/cli.ts'

let daemon: Cloisterd
let cli: Cli

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
})
afterAll(() => daemon.remove())

interface Finding {
  readonly check: string
  readonly level: string
  readonly detail: string
  readonly hint: string | null
}

async function findings(which: Cli): Promise<ReadonlyMap<string, Finding>> {
  const { stdout } = await which.run(['doctor', '--json'])
  const all: readonly Finding[] = JSON.parse(stdout)
  return new Map(all.map((finding) => [finding.check, finding]))
}

describe('cloister doctor', () => {
  it('looks at everything, and says what to do about what is not well', async () => {
    const found = await findings(cli)
    expect([...found.keys()]).toEqual(
      expect.arrayContaining([
        'versions',
        'qemu',
        'qemu-img',
        'kvm',
        'cgroups',
        'user',
        'daemon',
        'sockets',
        'kernels',
        'pools',
      ]),
    )
    expect(found.get('daemon')).toMatchObject({
      level: 'ok',
      detail: `answers at ${daemon.socket}: 0 domains, 0 running`,
    })
    expect(found.get('kernels')).toMatchObject({ level: 'ok', detail: expect.stringContaining('6.1.0-test') })
    expect(found.get('template')).toMatchObject({ level: 'warning' })
    for (const { level, hint } of found.values()) expect(hint === null).toBe(level === 'ok')
  })

  it('prints a line for each, with marks', async () => {
    const { stdout } = await cli.run(['doctor'])
    expect(stdout).toMatch(/^✓ versions {2}cloister \d/)
    expect(stdout).toMatch(/\n! template {2}.*\n {12}→ `cloister /)
  })

  it('fails for a socket that every user may use', async () => {
    await chmod(daemon.socket, 0o666)
    try {
      expect((await findings(cli)).get('sockets')).toMatchObject({ level: 'failure' })
      expect((await cli.run(['doctor'])).status).toBe(1)
    } finally {
      await chmod(daemon.socket, 0o660)
    }
  })

  it('sees that there is no daemon, and looks at the rest', async () => {
    const found = await findings(new Cli('/nowhere/qubesd.sock'))
    expect(found.get('daemon')).toMatchObject({ level: 'failure', hint: expect.stringContaining('cloisterd') })
    expect(found.has('qemu')).toBe(true)
    expect(found.has('pools')).toBe(false)
  })
})
