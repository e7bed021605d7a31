import { errorChain, errorText, msg } from '@cloister/kit'
import { FolderBusyError, type FolderLock, makeFolderDurably, type Os, removeIfPresent } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'
import type { DriverEnvironment } from '../../driver-environment.ts'
import type { Accelerator } from '../machine/arguments.ts'
import type { HostAbilities } from '../machine/unsupported.ts'
import { Places } from '../places.ts'
import type { QemuSettings } from '../qemu-settings.ts'
import type { RunRecordFile } from '../run/run-record.ts'
import type { Confinement } from './confinement.ts'
import { ControlGroups } from './control-groups.ts'
import { type Firmware, findFirmware } from './firmware.ts'
import { GuestScopes } from './guest-scopes.ts'
import { probeKvm } from './kvm-probe.ts'
import { QemuUsers } from './qemu-users.ts'

/** Guests are PCs on every host; a host that is not a PC itself emulates them. */
const guestArchitecture = 'x86_64'
const emulatorProgram = `qemu-system-${guestArchitecture}`

interface HostParts {
  readonly environment: DriverEnvironment
  readonly places: Places
  readonly emulator: string
  readonly firmware: Firmware | undefined
  readonly users: QemuUsers
  readonly groups: Confinement
  readonly abilities: HostAbilities
  readonly lock: FolderLock
}

/** What all runs share: the host's services, the driver's folders, and what guests can have on this host. */
export class QemuHost {
  readonly os: Os
  readonly log: NonNullable<DriverEnvironment['log']>
  readonly places: Places
  /** Path of QEMU. */
  readonly emulator: string
  readonly firmware: Firmware | undefined
  readonly users: QemuUsers
  readonly groups: Confinement
  readonly abilities: HostAbilities
  readonly #lock: FolderLock

  private constructor(parts: HostParts) {
    this.os = parts.environment.os
    this.log = parts.environment.log ?? (() => {})
    this.places = parts.places
    this.emulator = parts.emulator
    this.firmware = parts.firmware
    this.users = parts.users
    this.groups = parts.groups
    this.abilities = parts.abilities
    this.#lock = parts.lock
  }

  /**
   * Makes the folders and finds out what guests can have on this host.
   * @throws LibvirtError INVALID_ARG when the root's path is too long, OPERATION_FAILED when QEMU is missing,
   * RESOURCE_BUSY when another daemon has the root
   */
  static async open(settings: QemuSettings, environment: DriverEnvironment): Promise<QemuHost> {
    const { os } = environment
    const places = new Places(settings.root)
    await makeFolders(places, os)
    const emulator = await findEmulator(os)
    const firmware = await findFirmware(os.files)
    const accelerator = await chooseAccelerator(settings, emulator, places, environment)
    const users = await QemuUsers.make(environment, settings.uidBase)
    const groups = (await GuestScopes.find(environment)) ?? (await ControlGroups.find(environment))
    const abilities = {
      arch: guestArchitecture,
      accelerator,
      firmware: firmware ? (['bios', 'efi'] as const) : (['bios'] as const),
    }
    const lock = await lockRoot(places.root, os)
    return new QemuHost({ environment, places, emulator, firmware, users, groups, abilities, lock })
  }

  /** Gives the root free for another daemon. */
  close(): Promise<void> {
    return this.#lock.release()
  }

  /** Removes everything of a run whose process is gone; what cannot be removed is logged. */
  async cleanUp(file: RunRecordFile): Promise<void> {
    const { uuid, uid, groups, links, stored } = file.record
    const { files } = this.os
    await this.#attempt(uuid, 'the names of its sockets', () => this.#removeLinks(links))
    await this.#attempt(uuid, 'its control groups', () => this.groups.remove(groups))
    await this.#attempt(uuid, 'its run folder', () => files.removeTree(this.places.runFolder(uuid)))
    await this.#attempt(uuid, 'its record', () => file.remove())
    this.users.release(uid)
    if (stored === undefined) await this.forget(uuid)
  }

  /** Removes what is kept of a domain between its runs: logs, and variables of its firmware. */
  async forget(uuid: string): Promise<void> {
    for (const path of this.places.kept(uuid))
      await this.#attempt(uuid, path, () => removeIfPresent(this.os.files, path))
  }

  async #removeLinks(links: readonly string[]): Promise<void> {
    for (const link of links) {
      // A file of another program may have that name, and be the reason why the start failed.
      if ((await this.os.files.stat(link))?.kind === 'socket') await removeIfPresent(this.os.files, link)
    }
  }

  /** Removes one thing; a failure is logged, so that the other things are removed too. */
  async #attempt(uuid: string, what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.log('error', 'removing the files of a run failed', { uuid, what, error: errorChain(error) })
    }
  }
}

async function makeFolders({ folders }: Places, { files }: Os): Promise<void> {
  for (const folder of folders) {
    try {
      await makeFolderDurably(files, folder)
    } catch (cause) {
      const text = msg`cannot make the folder '${folder}': ${errorText(cause)}`
      throw new LibvirtError('OPERATION_FAILED', text, { cause, domain: 'QEMU' })
    }
  }
}

/** Keeps a second daemon out of the root: QEMU's monitors talk to one at a time. */
async function lockRoot(root: string, { locks }: Os): Promise<FolderLock> {
  try {
    return await locks.take(root)
  } catch (cause) {
    const kind = cause instanceof FolderBusyError ? 'RESOURCE_BUSY' : 'OPERATION_FAILED'
    throw new LibvirtError(kind, msg`cannot run guests in '${root}': ${errorText(cause)}`, { cause, domain: 'QEMU' })
  }
}

async function findEmulator({ processes }: Os): Promise<string> {
  const path = await processes.find(emulatorProgram)
  if (path !== undefined) return path
  const text = msg`cannot run guests: '${emulatorProgram}' is not installed (Debian and Ubuntu: apt install qemu-system-x86)`
  throw new LibvirtError('OPERATION_FAILED', text, { domain: 'QEMU' })
}

async function chooseAccelerator(
  { accelerator }: QemuSettings,
  emulator: string,
  places: Places,
  environment: DriverEnvironment,
): Promise<Accelerator> {
  if (accelerator !== 'auto') return accelerator
  if (environment.os.host.architecture !== 'x64') return 'tcg'
  return (await probeKvm(emulator, places, environment)) ? 'kvm' : 'tcg'
}
