import type { Log } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { Changes } from '../changes/changes.ts'
import type { Intents } from '../changes/intents.ts'
import type { ReferenceIndex } from '../properties/reference-index.ts'
import type { Pools } from '../storage/pools.ts'
import type { AdminVM } from './admin-vm.ts'
import type { BaseVM } from './base-vm.ts'
import type { DisposableNumbers } from './disposable-numbers.ts'
import type { DomainCollection } from './domain-collection.ts'
import type { Events } from './domain-events.ts'
import type { Labels } from './labels.ts'
import type { AgentsPort } from './ports/agents.ts'
import type { Hypervisors } from './ports/hypervisors.ts'
import type { KernelsPort } from './ports/kernels.ts'
import type { LeftoversPort } from './ports/leftovers.ts'
import type { MemoryManager } from './ports/memory-manager.ts'
import type { FirewallBackend, NetworkBackend } from './ports/network.ts'
import type { PowerControls } from './ports/power-control.ts'
import type { RunsPort } from './ports/runs.ts'
import type { SystemObject } from './system-object.ts'

/** Values of global properties that are the defaults of domains' properties. */
export interface SystemDefaults {
  readonly template: BaseVM | null
  readonly netvm: BaseVM | null
  readonly dispvm: BaseVM | null
  readonly managementDispvm: BaseVM | null
  readonly guivm: BaseVM | null
  readonly audiovm: BaseVM | null
  readonly kernel: string | null
  /** Seconds. */
  readonly qrexecTimeout: number
  /** Seconds. */
  readonly shutdownTimeout: number
}

/**
 * What a domain knows of the system around it: the model, and ports to the services that stand on floors above. A test of one
 * service gives the ports that the service uses, and nothing else.
 */
export interface System {
  readonly os: Os
  readonly log: Log
  readonly changes: Changes
  readonly events: Events
  readonly intents: Intents
  readonly references: ReferenceIndex
  readonly labels: Labels
  readonly domains: DomainCollection
  /** Numbers of disposables. */
  readonly disposableNumbers: DisposableNumbers
  readonly pools: Pools
  /** The object that global properties belong to, and events of the system as a whole. */
  readonly global: SystemObject
  readonly defaults: SystemDefaults
  /** The domain that is the host. */
  readonly adminVM: AdminVM

  readonly hypervisors: Hypervisors
  readonly kernels: KernelsPort
  readonly memory: MemoryManager
  readonly runs: RunsPort
  readonly agents: AgentsPort
  readonly leftovers: LeftoversPort
  readonly power: PowerControls
  readonly network: NetworkBackend
  readonly firewall: FirewallBackend
}
