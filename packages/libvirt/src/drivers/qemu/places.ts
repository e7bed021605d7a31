import { join } from 'node:path'
import { msg } from '@cloister/kit'
import { LibvirtError } from '../../error.ts'

/** Longest path that a unix socket can have, bytes (`sun_path`, without its end). */
const longestSocketPath = 107
/** Length of the longest name of a socket, bytes. */
const longestSocketName = 'console29'.length

/**
 * Paths of the driver's files, below its root folder:
 *
 *     run/<key>/            sockets of a running domain; the key is its uuid, shortened to 22 characters
 *     state/<uuid>.json     record of a running domain, for the next daemon
 *     log/<uuid>.log        output of QEMU; <uuid>.console.log: output of the guest on its first serial port
 *     nvram/<uuid>.fd       variables of UEFI firmware
 *     kvm-probe.json        whether guests boot under KVM
 *     .cloister/            the lock of the daemon that works there
 */
export class Places {
  readonly root: string

  /** @throws LibvirtError INVALID_ARG when sockets below the root would have paths that are too long */
  constructor(root: string) {
    this.root = root
    const socket = join(this.runFolder('00000000-0000-0000-0000-000000000000'), 'x'.repeat(longestSocketName))
    const excess = Buffer.byteLength(socket) - longestSocketPath
    if (excess > 0) {
      const text = msg`the folder '${root}' has a path that is ${excess} bytes too long for sockets in it`
      throw new LibvirtError('INVALID_ARG', text, { domain: 'QEMU' })
    }
  }

  /** The folders that exist while the driver is open, parents first. */
  get folders(): string[] {
    return [this.root, ...['run', 'state', 'log', 'nvram'].map((name) => join(this.root, name))]
  }

  get stateFolder(): string {
    return join(this.root, 'state')
  }

  get runsFolder(): string {
    return join(this.root, 'run')
  }

  get probe(): string {
    return join(this.root, 'kvm-probe.json')
  }

  get bootSector(): string {
    return join(this.root, 'boot-sector.img')
  }

  runFolder(uuid: string): string {
    return join(this.runsFolder, Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url'))
  }

  /** The uuid of the domain that has a run folder of that name. */
  uuidOfRunFolder(name: string): string {
    const digits = Buffer.from(name, 'base64url').toString('hex')
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  record(uuid: string): string {
    return join(this.stateFolder, `${uuid}.json`)
  }

  log(uuid: string): string {
    return join(this.root, 'log', `${uuid}.log`)
  }

  consoleLog(uuid: string): string {
    return join(this.root, 'log', `${uuid}.console.log`)
  }

  /** Logs that grow while the domain runs. */
  logs(uuid: string): string[] {
    return [this.log(uuid), this.consoleLog(uuid)]
  }

  firmwareVariables(uuid: string): string {
    return join(this.root, 'nvram', `${uuid}.fd`)
  }

  /** Files that stay when a run of a persistent domain is over. */
  kept(uuid: string): string[] {
    return [...this.logs(uuid), this.firmwareVariables(uuid)]
  }
}
