import { type Command, type Files, ModelledClock, nodeOs, type Os, ProcessError, type Processes } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { GuestScopes } from './guest-scopes.ts'

const guest = { uuid: '11111111-2222-4333-8444-555555555555', name: 'work' }
const scope = `cloister-guest-${guest.uuid}.scope`
const limits = { memory: 1 << 30, tasks: 130, processors: 3 }

interface Model {
  readonly uid?: number
  /** Paths that are there. */
  readonly paths?: readonly string[]
  readonly busctl?: string | null
  /** What systemd says to each call, the last one again and again: an error in its words, or nothing. */
  readonly answers?: readonly (string | undefined)[]
}

/** A machine with systemd, which moves the process at the second look, and the calls that systemd has had. */
function modelled(model: Model = {}): { readonly os: Os; readonly calls: Command[]; readonly clock: ModelledClock } {
  const os = nodeOs()
  const calls: Command[] = []
  const clock = new ModelledClock()
  const { uid = 0, paths = ['/run/systemd/system', '/groups/cgroup.controllers'], answers = [undefined] } = model
  let looks = 0
  const files: Pick<Files, 'stat' | 'read'> = {
    stat: async (path) => (paths.includes(path) ? await os.files.stat('/') : undefined),
    read: async () => Buffer.from(looks++ === 0 ? '0::/system.slice/a.service\n' : `0::/a.slice/${scope}\n`),
  }
  const processes: Pick<Processes, 'find' | 'run'> = {
    find: async () => (model.busctl === null ? undefined : '/usr/bin/busctl'),
    run: async (command) => {
      const said = answers[Math.min(calls.length, answers.length - 1)]
      calls.push(command)
      if (said === undefined) return { stdout: new Uint8Array(), stderr: '' }
      throw new ProcessError({ format: 'busctl failed: %s', fields: [said] }, { command, stderr: said })
    },
  }
  return {
    os: {
      ...os,
      clock,
      host: { ...os.host, uid },
      files: Object.assign(Object.create(os.files) as Files, files),
      processes: Object.assign(Object.create(os.processes) as Processes, processes),
    },
    calls,
    clock,
  }
}

async function scopesOf(os: Os): Promise<GuestScopes> {
  return (await GuestScopes.find({ os }, '/groups')) ?? expect.fail('there should be scopes')
}

/** Lets time pass until a promise is settled. */
async function passing<T>(clock: ModelledClock, promise: Promise<T>): Promise<T> {
  let isOver = false
  const settled = promise.finally(() => (isOver = true))
  settled.catch(() => {})
  while (!isOver) {
    clock.advance(10)
    await new Promise(setImmediate)
  }
  return settled
}

describe('GuestScopes', () => {
  it('asks systemd for a scope with limits, and returns when the process is in it', async () => {
    const { os, calls, clock } = modelled()
    const scopes = await scopesOf(os)
    expect(scopes.folders(guest)).toEqual([`/groups/cloister.slice/cloister-guests.slice/${scope}`])
    await passing(clock, scopes.confine(guest, 77, limits))
    const manager = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager'
    expect(calls).toEqual([
      [
        ...`/usr/bin/busctl call --quiet ${manager} StartTransientUnit ssa(sv)a(sa(sv)) ${scope} fail 7`.split(' '),
        ...['Description', 's', 'Cloister domain work', 'Slice', 's', 'cloister-guests.slice', 'PIDs', 'au', '1', '77'],
        ...['CollectMode', 's', 'inactive-or-failed', 'MemoryMax', 't', '1073741824', 'TasksMax', 't', '130'],
        ...['CPUQuotaPerSecUSec', 't', '3000000', '0'],
      ],
    ])
    expect(clock.monotonic()).toBeGreaterThan(0)
  })

  it('waits for the end of the scope of the former run', async () => {
    const there = `Unit ${scope} was already loaded or has a fragment file.`
    const { os, calls, clock } = modelled({ answers: [there, there, undefined] })
    await passing(clock, (await scopesOf(os)).confine(guest, 77, limits))
    expect(calls).toHaveLength(3)
  })

  it.each([
    ['Access denied', 1],
    [`Unit ${scope} was already loaded or has a fragment file.`, 101],
  ])('says why systemd makes no scope: %s', async (said, attempts) => {
    const { os, calls, clock } = modelled({ answers: [said] })
    const confined = passing(clock, (await scopesOf(os)).confine(guest, 77, limits))
    await expect(confined).rejects.toThrow(
      `operation failed: systemd makes no scope for domain 'work', which limits what the domain takes from the host: busctl failed: ${said}`,
    )
    expect(calls.length).toBeGreaterThanOrEqual(attempts)
  })

  it.each([
    ['systemd is not process 1', { paths: ['/groups/cgroup.controllers'] }],
    ['control groups are those of version 1', { paths: ['/run/systemd/system'] }],
    ['we are not root', { uid: 1000 }],
    ['systemd cannot be asked', { busctl: null }],
  ])('are not there when %s', async (_why, model) => {
    expect(await GuestScopes.find({ os: modelled(model).os }, '/groups')).toBeUndefined()
  })
})
