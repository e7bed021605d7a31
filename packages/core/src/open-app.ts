import { errorChain, type Log } from '@cloister/kit'
import { Connection } from '@cloister/libvirt'
import type { Os } from '@cloister/os'
import type { ImageLimits } from '@cloister/storage'
import { App } from './app.ts'
import type { CoreEvent } from './changes/core-event.ts'
import { registerDisposableHandlers } from './disposables/disposable-handlers.ts'
import { registerPreloadHandlers } from './disposables/preload-handlers.ts'
import { recoverPreloads } from './disposables/preload-recovery.ts'
import type { Hypervisors } from './domains/ports/hypervisors.ts'
import type { FirewallBackend, NetworkBackend } from './domains/ports/network.ts'
import { keepAutomaticTags } from './extensions/automatic-tags.ts'
import { registerFeatureRules } from './extensions/feature-rules.ts'
import { Hypervisor } from './hypervisor/hypervisor.ts'
import { Kernels } from './hypervisor/kernels.ts'
import { MemoryBalancer } from './memory/memory-balancer.ts'
import { registerMemoryHandlers } from './memory/memory-handlers.ts'
import { registerNetworkHandlers } from './network/network-handlers.ts'
import { registerLifeHandlers } from './operations/life-handlers.ts'
import { registerPropertyConsequences } from './operations/property-consequences.ts'
import { makeFreshState } from './recovery/fresh-state.ts'
import { loadState } from './recovery/load-state.ts'
import { recover } from './recovery/recover.ts'
import { Journal } from './state/journal.ts'
import { SqliteStateStore } from './state/sqlite/sqlite-state-store.ts'
import type { StateStore } from './state/state-store.ts'

/** Where a system is, and what it tells to whom. */
export interface PlaceOptions {
  readonly os: Os
  readonly log: Log
  /** Folder of the database; also the pool `varlibqubes` of a fresh system. Must exist. */
  readonly stateFolder: string
  /** One folder a kernel. */
  readonly kernelsFolder: string
  /** Driver of the pool `varlibqubes` of a fresh system; the best that works when not given. */
  readonly poolDriver?: string
  /** Limits of images that become templates; those of storage when not given. */
  readonly imageLimits?: ImageLimits | undefined
  /** Begin an empty state although there was one, whose database is missing. */
  readonly acceptEmpty?: boolean
  /** Interfaces of guests; guests have none when not given. */
  readonly network?: NetworkBackend
  /** Enforces the firewall of domains; rules are only stored when not given. */
  readonly firewall?: FirewallBackend
  /** Opens a new connection to the hypervisor after the connection was lost; without it the connection stays lost. */
  readonly reconnect?: () => Promise<Connection>
  /** The state in memory can no longer be trusted: the daemon must stop; guests keep running. */
  readonly onFatal: (error: Error) => void
}

export interface OpenOptions extends PlaceOptions {
  /** libvirt URI of the hypervisor. */
  readonly hypervisorUri: string
}

/** The system, with the parts that the caller must close. */
export interface OpenedApp {
  readonly app: App
  close(): Promise<void>
}

/**
 * Opens the system: reads the state (or makes a fresh one), finds running guests again, finishes or undoes what the end of the
 * last daemon interrupted. When it returns, calls can be served.
 */
export async function openApp(options: OpenOptions): Promise<OpenedApp> {
  const { os, acceptEmpty = false } = options
  const store = await SqliteStateStore.open(options.stateFolder, { os, acceptEmpty })
  try {
    const connect = (): Promise<Connection> =>
      Connection.open(options.hypervisorUri, {
        os: options.os,
        log: (level, message, details) => options.log[level](message, details),
      })
    const connection = await connect()
    try {
      return await openAppOn(store, connection, { ...options, reconnect: connect })
    } catch (error) {
      await connection.close()
      throw error
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** As `openApp`, on a state and a hypervisor that are at hand; both are closed with the system. */
export async function openAppOn(store: StateStore, connection: Connection, options: PlaceOptions): Promise<OpenedApp> {
  const { os, log, reconnect } = options
  const hypervisor = await Hypervisor.open(connection, reconnect && { clock: os.clock, log, connect: reconnect })
  const app = await assemble(store, hypervisor, options)
  return { app, close: () => close(app, hypervisor, store) }
}

async function assemble(store: StateStore, hypervisor: Hypervisor, options: PlaceOptions): Promise<App> {
  const { os, log } = options
  const journal = new Journal<CoreEvent>(store, {
    onFatal: options.onFatal,
    onListenerError: (error) => log.error('a subscriber of events failed', { error: errorChain(error) }),
  })
  const kernels = await Kernels.open(os, options.kernelsFolder, log)
  const memory = new MemoryBalancer({ os, hypervisor, log, running: () => app.domains.running() })
  const hypervisors: Hypervisors = { of: () => hypervisor, all: () => [hypervisor] }
  const app: App = new App({ ...options, journal, hypervisors, kernels, memory })
  const intents = (await loadState(app, store)) ?? (await makeFreshState(app, options))
  registerHandlers(app)
  await recover(app, intents)
  await app.network.adopt([...app.domains.running()])
  await recoverPreloads(app, app.preloads)
  await app.disposables.removeLeftovers()
  app.memory.watch()
  return app
}

/** What happens when something else does: the order is the order in which handlers of one event run. */
function registerHandlers({ events, links, disposables, preloads, power }: App): void {
  registerPropertyConsequences(events)
  keepAutomaticTags(events)
  registerFeatureRules(events)
  registerLifeHandlers(events)
  registerMemoryHandlers(events)
  registerNetworkHandlers(events, links)
  registerPreloadHandlers(events, preloads)
  registerDisposableHandlers(events, disposables)
  power.onRest((vm) => disposables.removeAtRest(vm))
}

async function close(app: App, hypervisor: Hypervisor, store: StateStore): Promise<void> {
  app.preloads.close()
  app.memory.close()
  app.leftovers.close()
  await app.journal.idle()
  await app.pools.close()
  await hypervisor.close()
  await store.close()
}
