import { join } from 'node:path'
import { msg, utf8Text } from '@cloister/kit'
import { type Os, ProcessError, within } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'
import type { DriverEnvironment } from '../../driver-environment.ts'
import { type Confinement, type GuestIdentity, groupMount, type ResourceLimits, removeGroups } from './confinement.ts'

/** The slice of all guests; systemd makes it when it is needed. An administrator may limit all guests together by it. */
const slice = 'cloister-guests.slice'
/** Where systemd puts that slice: each dash in the name of a slice is one level. */
const sliceFolder = 'cloister.slice/cloister-guests.slice'
/** Is there when systemd is process 1. */
const systemdMark = '/run/systemd/system'

const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'] as const
const callMs = 10_000
/** How long it may take until a process is in its scope, ms. */
const joinMs = 10_000
/** The scope of the former run of a domain may still be there for a moment; between two attempts and in all, ms. */
const former = { pauseMs: 50, patienceMs: 5000 } as const
const largestMembership = 64 << 10

/**
 * Limits by transient scopes of systemd, one for each guest. On a host with one tree of control groups the guests cannot
 * stand below the group of our own service: as long as one of them lives, systemd could not start the service again.
 */
export class GuestScopes implements Confinement {
  readonly #os: Os
  readonly #log: DriverEnvironment['log']
  readonly #busctl: string
  readonly #mount: string

  private constructor(os: Os, log: DriverEnvironment['log'], busctl: string, mount: string) {
    this.#os = os
    this.#log = log
    this.#busctl = busctl
    this.#mount = mount
  }

  /** Undefined when systemd is not process 1, when we are not root, or when control groups are those of version 1. */
  static async find({ os, log }: DriverEnvironment, mount: string = groupMount): Promise<GuestScopes | undefined> {
    if (os.host.uid !== 0) return undefined
    const isThere = async (path: string): Promise<boolean> => (await os.files.stat(path)) !== undefined
    if (!(await isThere(systemdMark)) || !(await isThere(join(mount, 'cgroup.controllers')))) return undefined
    const busctl = await os.processes.find('busctl')
    return busctl === undefined ? undefined : new GuestScopes(os, log, busctl, mount)
  }

  folders({ uuid }: Pick<GuestIdentity, 'uuid'>): string[] {
    return [join(this.#mount, sliceFolder, scopeName(uuid))]
  }

  async confine(guest: GuestIdentity, pid: number, limits: ResourceLimits): Promise<void> {
    await this.#start(guest, pid, limits)
    const { clock } = this.#os
    const what = `the move of QEMU of domain '${guest.name}' to ${scopeName(guest.uuid)}`
    const late = new AbortController()
    try {
      await within({ clock, ms: joinMs, what }, this.#joined(guest, pid, late.signal))
    } finally {
      late.abort()
    }
  }

  remove(groups: readonly string[]): Promise<void> {
    return removeGroups(groups, this.#os, this.#log)
  }

  async #start(guest: GuestIdentity, pid: number, limits: ResourceLimits): Promise<void> {
    const { clock, processes } = this.#os
    const deadline = clock.monotonic() + former.patienceMs
    const call = [
      this.#busctl,
      'call',
      '--quiet',
      ...manager,
      'StartTransientUnit',
      ...scopeArguments(guest, pid, limits),
    ]
    for (;;) {
      try {
        await processes.run(call as [string, ...string[]], { timeoutMs: callMs })
        return
      } catch (cause) {
        const isTaken = cause instanceof ProcessError && /already (exists|loaded)|fragment file/.test(cause.stderr)
        if (isTaken && clock.monotonic() < deadline) await clock.sleep(former.pauseMs)
        else throw refusal(guest, cause)
      }
    }
  }

  /** systemd answers before it has moved the process. */
  async #joined({ uuid }: GuestIdentity, pid: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const groups = utf8Text(await this.#os.files.read(`/proc/${pid}/cgroup`, largestMembership)) ?? ''
      if (groups.includes(`/${scopeName(uuid)}\n`)) return
      await this.#os.clock.sleep(10)
    }
  }
}

function scopeName(uuid: string): string {
  return `cloister-guest-${uuid}.scope`
}

/** Arguments of `StartTransientUnit` as busctl takes them: name, mode, properties, and no other units. */
function scopeArguments(
  { uuid, name }: GuestIdentity,
  pid: number,
  { memory, tasks, processors }: ResourceLimits,
): string[] {
  const properties = [
    ['Description', 's', `Cloister domain ${name}`],
    ['Slice', 's', slice],
    ['PIDs', 'au', '1', `${pid}`],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['MemoryMax', 't', `${memory}`],
    ['TasksMax', 't', `${tasks}`],
    ['CPUQuotaPerSecUSec', 't', `${processors * 1_000_000}`],
  ]
  return ['ssa(sv)a(sa(sv))', scopeName(uuid), 'fail', `${properties.length}`, ...properties.flat(), '0']
}

function refusal({ name }: GuestIdentity, cause: unknown): LibvirtError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const text = msg`systemd makes no scope for domain '${name}', which limits what the domain takes from the host: ${why}`
  return new LibvirtError('OPERATION_FAILED', text, { cause, domain: 'QEMU' })
}
