import { join } from 'node:path'
import { errorText, utf8Text } from '@cloister/kit'
import { errorCode, type Os } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'

/** What a QEMU may take from the host. */
export interface ResourceLimits {
  /** Bytes. */
  readonly memory: number
  /** Processes and threads. */
  readonly tasks: number
  /** Processors' worth of time. */
  readonly processors: number
}

/** Which guest a QEMU runs. */
export interface GuestIdentity {
  readonly uuid: string
  readonly name: string
}

/** Limits what each QEMU takes from the host, by control groups. */
export interface Confinement {
  /** Folders of the groups that `confine` makes; they are known before, so that a record of them outlives us. */
  folders(guest: Pick<GuestIdentity, 'uuid'>): string[]
  /** Puts a process in groups of its own, with limits. @throws the system's error, LibvirtError */
  confine(guest: GuestIdentity, pid: number, limits: ResourceLimits): Promise<void>
  /** Ends what is left in groups when their QEMU is gone, and removes the groups; a group that cannot be removed is logged. */
  remove(groups: readonly string[]): Promise<void>
}

/** Where control groups are mounted. */
export const groupMount = '/sys/fs/cgroup'

const largestMemberList = 64 << 10
/** A group is removed again and again while processes in it are being taken apart. */
const removal = { attempts: 50, pauseMs: 20 } as const

/** Ends what is left in groups: a QEMU that its guest has taken over may have started programs. Then removes the groups. */
export async function removeGroups(groups: readonly string[], os: Os, log: DriverEnvironment['log']): Promise<void> {
  for (const group of groups) {
    try {
      await removeGroup(group, os, log)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        log?.('warn', 'a control group cannot be removed', { group, error: errorText(error) })
    }
  }
}

/** A killed process stays in its group until the kernel has taken it apart. */
async function removeGroup(group: string, os: Os, log: DriverEnvironment['log']): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await os.files.removeFolder(group)
    } catch (error) {
      if (errorCode(error) !== 'EBUSY' || attempt === removal.attempts) throw error
      await killMembers(group, os, log)
      await os.clock.sleep(removal.pauseMs)
    }
  }
}

async function killMembers(group: string, { files, processes }: Os, log: DriverEnvironment['log']): Promise<void> {
  const members = utf8Text(await files.read(join(group, 'cgroup.procs'), largestMemberList)) ?? ''
  for (const [pid] of members.matchAll(/\d+/g)) {
    const identity = await processes.identify(Number(pid))
    if (!identity) continue
    log?.('warn', 'a process is ended that a QEMU has left behind', { group, pid: identity.pid })
    await processes.signal(identity, 'SIGKILL')
  }
}
