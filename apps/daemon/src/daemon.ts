import { join } from 'node:path'
import { Audit, type ConnectionContext, Consoles, Endpoint, RunningCalls, WireErrors } from '@cloister/admin-server'
import { type OpenedApp, openApp, startAutomatically } from '@cloister/core'
import { errorText, msg, StoragePoolException } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { Configuration } from './configuration.ts'
import { groupId } from './group.ts'
import type { Logger } from './logger.ts'
import { makeOwnFolder } from './own-folder.ts'

/** The sockets, each with the set of calls that it serves. */
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

/** What the contexts of all endpoints have in common. */
type Shared = Omit<ConnectionContext, 'socket'>

/** The daemon: the system and the endpoints that serve it. */
export class Daemon {
  readonly #opened: OpenedApp
  readonly #endpoints: readonly Endpoint[]
  readonly #shared: Shared
  readonly #log: Logger

  private constructor(opened: OpenedApp, endpoints: readonly Endpoint[], shared: Shared, log: Logger) {
    this.#opened = opened
    this.#endpoints = endpoints
    this.#shared = shared
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
      acceptEmpty: configuration.acceptEmpty,
      onFatal,
    })
    const endpoints: Endpoint[] = []
    try {
      const consoles = new Consoles(os, configuration.run)
      const gid = configuration.group === undefined ? undefined : await groupId(os.files, configuration.group)
      const shared: Shared = {
        app: opened.app,
        consoles,
        errors: new WireErrors(log, (count) => os.host.random(count), configuration.debug),
        audit: new Audit(log, configuration.auditReads),
        running: new RunningCalls(),
      }
      for (const [name, socket] of sockets) {
        const options = { path: join(configuration.run, name), mode: socketMode, ...(gid !== undefined && { gid }) }
        endpoints.push(await Endpoint.open(options, { ...shared, socket }))
      }
      startAutomatically(opened.app).catch((error: unknown) =>
        log.error('starting domains automatically failed', { error }),
      )
      return new Daemon(opened, endpoints, shared, log)
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
    const left = await this.#shared.running.settle(this.#shared.app.os.clock, graceMs)
    if (left > 0)
      this.#log.warn('calls did not end in time: the next start finishes or undoes their work', { calls: left })
    for (const endpoint of this.#endpoints) endpoint.close()
    await this.#shared.consoles.close()
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
