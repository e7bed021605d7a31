import { join } from 'node:path'
import {
  Audit,
  allowEverything,
  Consoles,
  Endpoint,
  Pipeline,
  RunningCalls,
  type Services,
  WireErrors,
} from '@cloister/admin-server'
import { type OpenedApp, openApp, Statistics } from '@cloister/core'

import { errorChain, errorText, msg, StoragePoolException } from '@cloister/kit'
import { type Os, systemErrorWords } from '@cloister/os'

import type { Configuration } from './configuration.ts'
import { groupId } from './group.ts'
import type { Logger } from './logger.ts'
import { makeOwnFolder } from './own-folder.ts'

/** The sockets, each with the set of calls that it serves. A client that may connect is trusted to name the source of a call. */
const sockets = [
  ['qubesd.sock', 'main'],
  ['qubesd.internal.sock', 'internal'],
  ['qubesd.misc.sock', 'misc'],
] as const

/** Only the daemon's user, and a group if one is configured, may connect. */
const socketMode = 0o660
/** The folders may be entered by others: each file, socket and folder in them says who may use it. */
const folderModes = { state: 0o711, run: 0o755 } as const

/** How long calls may take to end when the daemon stops, ms. */
const graceMs = 10_000

/** The daemon: the system and the endpoints that serve it. */
export class Daemon {
  readonly #opened: OpenedApp
  readonly #endpoints: readonly Endpoint[]
  readonly #services: Services
  readonly #log: Logger

  private constructor(opened: OpenedApp, endpoints: readonly Endpoint[], services: Services, log: Logger) {
    this.#opened = opened
    this.#endpoints = endpoints
    this.#services = services
    this.#log = log
  }

  /** Starts; when it returns calls are served. `onFatal` is called when the state can no longer be trusted. */
  static async start(
    os: Os,
    configuration: Configuration,
    log: Logger,
    onFatal: (error: Error) => void,
  ): Promise<Daemon> {
    if (configuration.untrusted !== undefined) await makeOwnFolder(os, configuration.untrusted)
    await makeFolder(os, configuration.state, folderModes.state)
    await makeFolder(os, configuration.run, folderModes.run)
    const opened = await openApp({
      os,
      log,
      stateFolder: configuration.state,
      kernelsFolder: configuration.kernels,
      hypervisorUri: configuration.hypervisor,
      ...(configuration.poolDriver !== undefined && { poolDriver: configuration.poolDriver }),
      ...(configuration.largestImageGib !== undefined && {
        imageLimits: { largest: BigInt(configuration.largestImageGib) << 30n },
      }),
      acceptEmpty: configuration.acceptEmpty,
      onFatal,
    })
    const endpoints: Endpoint[] = []
    try {
      const consoles = new Consoles(os, log, configuration.run)
      const gid = configuration.group === undefined ? undefined : await groupId(os.files, configuration.group)
      const services: Services = {
        app: opened.app,
        consoles,
        statistics: new Statistics(opened.app),
        errors: new WireErrors(log, (count) => os.host.random(count), configuration.debug, systemErrorWords),
        audit: new Audit(log, configuration.auditReads),
        running: new RunningCalls(),
      }
      for (const [name, calls] of sockets) {
        const options = { path: join(configuration.run, name), mode: socketMode, ...(gid !== undefined && { gid }) }
        const server = new Pipeline(services, { calls, identity: 'trusted', access: allowEverything })
        endpoints.push(await Endpoint.open(options, { os, log, server, running: services.running }))
      }
      opened.app.startAutomatically().catch((error) => {
        log.error('domains could not be started automatically', { error: errorChain(error) })
      })
      return new Daemon(opened, endpoints, services, log)
    } catch (error) {
      for (const endpoint of endpoints) endpoint.close()
      await opened.close()
      throw error
    }
  }

  /**
   * Stops serving, waits for calls that are under way, and closes the state; guests keep running. A call that takes too long
   * is finished or undone by the next start.
   */
  async stop(): Promise<void> {
    for (const endpoint of this.#endpoints) endpoint.stopListening()
    const left = await this.#services.running.settle(this.#services.app.os.clock, graceMs)
    if (left > 0)
      this.#log.warn('calls did not end in time: the next start finishes or undoes their work', { calls: left })
    for (const endpoint of this.#endpoints) endpoint.close()
    await this.#services.consoles.close()
    await this.#opened.close()
  }
}

/** Makes a folder with a mode that does not depend on the umask of the process; one that is there stays as it is. */
async function makeFolder(os: Os, path: string, mode: number): Promise<void> {
  try {
    const { made } = await os.files.makeFolder(path, mode)
    if (made) await os.files.setMode(path, mode)
  } catch (cause) {
    throw new StoragePoolException(msg`Cannot make the folder ${path}: ${errorText(cause)}`, { cause })
  }
}
