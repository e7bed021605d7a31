import { utf8Text } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'
import type { Accelerator } from '../machine/arguments.ts'
import { UserIds } from './user-ids.ts'

/** The user and group that a QEMU runs as. */
export interface QemuUser {
  readonly uid: number
  readonly gid: number
}

const largestGroupFile = 16 << 20

/**
 * A user for each running domain, who owns only the domain's sockets: a guest that breaks out of QEMU can reach no file of
 * ours or of another guest. Only root can start programs as another user; without root QEMU runs as we do, and the log says
 * so once.
 */
export class QemuUsers {
  readonly #ids: UserIds | undefined
  readonly #kvmGroup: number | undefined

  private constructor(ids: UserIds | undefined, kvmGroup: number | undefined) {
    this.#ids = ids
    this.#kvmGroup = kvmGroup
  }

  static async make({ os, log }: DriverEnvironment, uidBase: number): Promise<QemuUsers> {
    if (os.host.uid === 0) return new QemuUsers(new UserIds(uidBase), await kvmGroup(os))
    log?.('warn', 'not root: all guests run as the same user as this program, and can reach what it can reach')
    return new QemuUsers(undefined, undefined)
  }

  /** A user for a domain that starts; undefined when QEMU is to run as we do. @throws LibvirtError OPERATION_FAILED */
  take(): number | undefined {
    return this.#ids?.take()
  }

  /** Notes the user of a domain that was found running. */
  reserve(uid: number | undefined): void {
    if (uid !== undefined) this.#ids?.reserve(uid)
  }

  release(uid: number | undefined): void {
    if (uid !== undefined) this.#ids?.release(uid)
  }

  /** The user and group of a QEMU: under KVM the group is the one that may open `/dev/kvm`. */
  user(uid: number | undefined, accelerator: Accelerator): QemuUser | undefined {
    if (uid === undefined) return undefined
    return { uid, gid: (accelerator === 'kvm' ? this.#kvmGroup : undefined) ?? uid }
  }
}

/** The group `kvm`; undefined when all users may open `/dev/kvm`. */
async function kvmGroup({ files }: Os): Promise<number | undefined> {
  const device = await files.stat('/dev/kvm')
  if (!device || (device.mode & 0o006) === 0o006) return undefined
  const groups = utf8Text(await files.read('/etc/group', largestGroupFile)) ?? ''
  const gid = /^kvm:[^:]*:(\d+):/m.exec(groups)?.[1]
  return gid === undefined ? undefined : Number(gid)
}
