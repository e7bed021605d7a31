import { join } from 'node:path'
import { Audit, type ConnectionContext, Consoles, Endpoint, WireErrors } from '@cloister/admin-server'
import { type OpenedApp, openApp, startAutomatically } from '@cloister/core'
import { msg, StoragePoolException } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { Configuration } from './configuration.ts'
import { groupId } from './group.ts'
import type { Logger } from './logger.ts'

/** The sockets: which calls each serves. */
const sockets = [
  ['qubesd.sock', 'main'],
  ['qubesd.internal.sock', 'internal'],
  ['qubesd.misc.sock', 'misc'],
] as const

/** Only the daemon's user, and a group if one is configured, may connect. */
const socketMode = 0o660
/** The run folder may be entered by others: its sockets and folders each say who may use them. */
const folderModes = { state: 0o711, run: 0o755 } as const

/** The daemon: everything put together. */
export class Daemon {
  readonly #opened: OpenedApp
  readonly #endpoints: readonly Endpoint[]
  readonly #consoles: Consoles

  private constructor(opened: OpenedApp, endpoints: readonly Endpoint[], consoles: Consoles) {
    this.#opened = opened
    this.#endpoints = endpoints
    this.#consoles = consoles
  }

  /** Starts; when it returns calls are served. `onFatal` is called when the state can no longer be trusted. */
  static async start(
    os: Os,
    configuration: Configuration,
    log: Logger,
    onFatal: (error: Error) => void,
  ): Promise<Daemon> {
    await makeFolder(os, configuration.state, folderModes.state)
    await makeFolder(os, configuration.run, folderModes.run)
    const opened = await openApp({
      os,
      log,
      stateFolder: configuration.state,
      kernelsFolder: configuration.kernels,
      hypervisorUri: configuration.hypervisor,
      ...(configuration.poolDriver !== undefined && { poolDriver: configuration.poolDriver }),
      onFatal,
    })
    const endpoints: Endpoint[] = []
    try {
      const consoles = new Consoles(os, configuration.run)
      const gid = configuration.group === undefined ? undefined : await groupId(os.files, configuration.group)
      const shared: Omit<ConnectionContext, 'socket'> = {
        app: opened.app,
        consoles,
        errors: new WireErrors(log, (count) => os.host.random(count), configuration.debug),
        audit: new Audit(log, configuration.auditReads),
      }
      for (const [name, socket] of sockets) {
        const options = { path: join(configuration.run, name), mode: socketMode, ...(gid !== undefined && { gid }) }
        endpoints.push(await Endpoint.open(options, { ...shared, socket }))
      }
      void startAutomatically(opened.app)
      return new Daemon(opened, endpoints, consoles)
    } catch (error) {
      await Promise.all(endpoints.map((endpoint) => endpoint.close()))
      await opened.close()
      throw error
    }
  }

  /** Stops serving and writes everything out; guests go on. */
  async stop(): Promise<void> {
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()))
    await this.#consoles.close()
    await this.#opened.close()
  }
}

async function makeFolder(os: Os, path: string, mode: number): Promise<void> {
  try {
    await os.files.makeFolder(path, mode)
  } catch (cause) {
    throw new StoragePoolException(msg`Cannot make the folder ${path}`, { cause })
  }
}
