import type { Log } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { defaultImageLimits, type ImageLimits } from '@cloister/storage'
import { Changes } from './changes/changes.ts'
import type { CoreEvent } from './changes/core-event.ts'
import { EventBus } from './changes/event-bus.ts'
import { Intents } from './changes/intents.ts'
import { Disposables } from './disposables/disposables.ts'
import { Preloads } from './disposables/preloads.ts'
import { removeDomainSafely } from './disposables/remove-safely.ts'
import type { AdminVM } from './domains/admin-vm.ts'
import type { BaseVM } from './domains/base-vm.ts'
import { DisposableNumbers } from './domains/disposable-numbers.ts'
import { DomainCollection } from './domains/domain-collection.ts'
import type { ChangeEvents, Events, LifeEvents } from './domains/domain-events.ts'
import { Labels } from './domains/labels.ts'
import type { Hypervisors } from './domains/ports/hypervisors.ts'
import type { KernelsPort } from './domains/ports/kernels.ts'
import type { MemoryManager } from './domains/ports/memory-manager.ts'
import { type FirewallBackend, type NetworkBackend, noFirewall, noNetwork } from './domains/ports/network.ts'
import type { System, SystemDefaults } from './domains/system.ts'
import { SystemObject, systemDefaults } from './domains/system-object.ts'
import { Agents } from './life/agents.ts'
import { startAutomatically } from './life/autostart.ts'
import { HostSleep } from './life/host-sleep.ts'
import { LifeCycles } from './life/life-cycles.ts'
import { Runs } from './life/runs.ts'
import { StartSlots } from './life/start-slots.ts'
import { NetworkLinks } from './network/network-links.ts'
import { Leftovers } from './operations/leftovers.ts'
import { VolumeCopies } from './operations/volumes/volume-copies.ts'
import { ReferenceIndex } from './properties/reference-index.ts'
import type { Journal } from './state/journal.ts'
import { Pools } from './storage/pools.ts'

/** The services that an App is built from. */
export interface AppParts {
  readonly os: Os
  readonly log: Log
  readonly journal: Journal<CoreEvent>
  readonly hypervisors: Hypervisors
  readonly kernels: KernelsPort
  readonly memory: MemoryManager
  /** Interfaces of guests; guests have none when not given. */
  readonly network?: NetworkBackend | undefined
  /** Enforces the firewall of domains; rules are only stored when not given. */
  readonly firewall?: FirewallBackend | undefined
  /** Limits of images that become templates; those of storage when not given. */
  readonly imageLimits?: ImageLimits | undefined
}

/**
 * The whole system, composed of the model and the services on the floors above it (reference: storage-and-lifecycle, B.1).
 * `open-app.ts` makes it and registers its handlers; the server of the Admin API calls it.
 */
export class App implements System {
  readonly os: Os
  readonly log: Log
  readonly journal: Journal<CoreEvent>
  readonly events: Events
  readonly changes: Changes
  readonly intents: Intents
  readonly imageLimits: ImageLimits
  readonly references: ReferenceIndex = new ReferenceIndex()
  readonly labels: Labels = new Labels()
  readonly domains: DomainCollection = new DomainCollection()
  readonly disposableNumbers: DisposableNumbers
  readonly global: SystemObject = new SystemObject(this)
  readonly defaults: SystemDefaults = systemDefaults(this.global)
  readonly pools: Pools

  readonly hypervisors: Hypervisors
  readonly kernels: KernelsPort
  readonly memory: MemoryManager
  readonly network: NetworkBackend
  readonly firewall: FirewallBackend
  readonly power: LifeCycles = new LifeCycles()
  readonly runs: Runs
  readonly agents: Agents
  readonly leftovers: Leftovers
  readonly links: NetworkLinks
  readonly copies: VolumeCopies
  readonly disposables: Disposables
  readonly preloads: Preloads
  readonly hostSleep: HostSleep
  readonly #slots = new StartSlots()

  constructor(parts: AppParts) {
    this.os = parts.os
    this.log = parts.log
    this.journal = parts.journal
    this.hypervisors = parts.hypervisors
    this.kernels = parts.kernels
    this.memory = parts.memory
    this.network = parts.network ?? noNetwork
    this.firewall = parts.firewall ?? noFirewall
    this.imageLimits = parts.imageLimits ?? defaultImageLimits
    this.events = new EventBus<ChangeEvents, LifeEvents>(parts.journal)
    this.changes = new Changes(parts.journal, this.events)
    this.intents = new Intents(this.changes, parts.os.host.bootId)
    this.disposableNumbers = new DisposableNumbers(parts.os, (name) => this.domains.find(name) !== undefined)
    this.pools = new Pools(this)
    this.runs = new Runs(this)
    this.leftovers = new Leftovers(this)
    this.agents = new Agents(parts.os.clock)
    this.links = new NetworkLinks(this)
    this.copies = new VolumeCopies(this)
    this.disposables = new Disposables(this)
    this.preloads = new Preloads(this, this.disposables, this.#slots)
    this.hostSleep = new HostSleep(this, this.preloads)
  }

  get adminVM(): AdminVM {
    return this.domains.get('dom0') as AdminVM
  }

  /** Starts the domains that start with the daemon, then preloads disposables (reference: storage-and-lifecycle, B.12). */
  async startAutomatically(): Promise<void> {
    if (await startAutomatically(this, this.#slots)) this.preloads.autostart()
  }

  /** Removes a halted domain that no other needs, on behalf of a user (reference: admin-api, 3.2). */
  removeDomain(vm: BaseVM): Promise<void> {
    return removeDomainSafely(vm, this.preloads)
  }
}
