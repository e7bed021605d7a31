import type { Os } from '@cloister/os'
import { EventBus } from './changes/event-bus.ts'
import { Intents } from './changes/intents.ts'
import { Disposables } from './disposables/disposables.ts'
import { Preloads } from './disposables/preloads.ts'
import type { AdminVM } from './domains/admin-vm.ts'
import type { BaseVM } from './domains/base-vm.ts'
import { DomainCollection } from './domains/domain-collection.ts'
import type { CoreEvent } from './domains/domain-events.ts'
import { Labels } from './domains/labels.ts'
import { NetworkGraph } from './domains/network/network-graph.ts'
import type { MemoryManager } from './domains/ports/memory-manager.ts'
import * as properties from './domains/properties/global-properties.ts'
import type { Hypervisor } from './hypervisor/hypervisor.ts'
import type { Kernels } from './hypervisor/kernels.ts'
import { Agents } from './life/agents.ts'
import { Runs } from './life/runs.ts'
import type { Log } from './log.ts'
import { NetworkLinks } from './network/network-links.ts'
import { VolumeCopies } from './operations/volumes/volume-copies.ts'
import type { ChangeUnit, PropertyTable } from './properties/property.ts'
import { PropertyHolder } from './properties/property-holder.ts'
import { ReferenceIndex } from './properties/reference-index.ts'
import type { Journal } from './state/journal.ts'
import { Pools } from './storage/pools.ts'

/** What the system is made on. */
export interface AppParts {
  readonly os: Os
  readonly log: Log
  readonly journal: Journal<CoreEvent>
  readonly hypervisor: Hypervisor
  readonly kernels: Kernels
  readonly memory: MemoryManager
}

/** The root object: owns the domains, labels, pools, global properties and the state (reference: storage-and-lifecycle, B.1). */
export class App extends PropertyHolder {
  readonly os: Os
  readonly log: Log
  readonly journal: Journal<CoreEvent>
  readonly hypervisor: Hypervisor
  readonly kernels: Kernels
  readonly memory: MemoryManager
  readonly events: EventBus
  readonly references: ReferenceIndex = new ReferenceIndex()
  readonly labels: Labels = new Labels()
  readonly domains: DomainCollection = new DomainCollection()
  readonly pools: Pools = new Pools(this)
  readonly network: NetworkGraph = new NetworkGraph(this)
  readonly links: NetworkLinks = new NetworkLinks(this)
  readonly intents: Intents = new Intents(this)
  readonly runs: Runs = new Runs(this)
  readonly disposables: Disposables = new Disposables(this)
  readonly preloads: Preloads = new Preloads(this)
  readonly copies: VolumeCopies = new VolumeCopies(this)
  readonly agents: Agents
  readonly #followUps = new WeakMap<ChangeUnit, (() => Promise<void>)[]>()

  constructor(parts: AppParts) {
    super()
    this.os = parts.os
    this.log = parts.log
    this.journal = parts.journal
    this.hypervisor = parts.hypervisor
    this.kernels = parts.kernels
    this.memory = parts.memory
    this.events = new EventBus(parts.journal)
    this.agents = new Agents(parts.os.clock)
  }

  get app(): App {
    return this
  }

  get system(): App {
    return this
  }

  get propertyTable(): PropertyTable {
    return properties.globalProperties
  }

  get title(): string {
    return 'the system'
  }

  get eventSubject(): Pick<CoreEvent, 'domain'> {
    return { domain: undefined }
  }

  /** The domain that is the host. */
  get adminVM(): AdminVM {
    return this.domains.get('dom0') as AdminVM
  }

  get defaultTemplate(): BaseVM | null {
    return this.get(properties.defaultTemplate) ?? null
  }

  get defaultNetvm(): BaseVM | null {
    return this.get(properties.defaultNetvm) ?? null
  }

  get defaultDispvm(): BaseVM | null {
    return this.get(properties.defaultDispvm) ?? null
  }

  get managementDispvm(): BaseVM | null {
    return this.get(properties.managementDispvm) ?? null
  }

  get defaultGuivm(): BaseVM | null {
    return this.get(properties.defaultGuivm) ?? null
  }

  get defaultAudiovm(): BaseVM | null {
    return this.get(properties.defaultAudiovm) ?? null
  }

  get defaultKernel(): string | null {
    return this.get(properties.defaultKernel) ?? null
  }

  get defaultQrexecTimeout(): number {
    return this.get(properties.defaultQrexecTimeout) ?? 0
  }

  get defaultShutdownTimeout(): number {
    return this.get(properties.defaultShutdownTimeout) ?? 0
  }

  /**
   * Makes a change as one unit of work: all of it becomes durable, or none of it happened. Resolves when it is durable and
   * its events have left. Of a change that was refused, subscribers learn what was asked for (the `-pre-` events) and no more.
   */
  async change<T>(work: (unit: ChangeUnit) => T): Promise<T> {
    const unit = this.journal.begin()
    let result: T
    try {
      result = work(unit)
    } catch (error) {
      unit.rollback(error)
      this.events.tellAsked(unit)
      throw error
    }
    await unit.commit()
    for (const followUp of this.#followUps.get(unit) ?? []) await followUp()
    return result
  }

  /**
   * Has `work` done when a change under way is durable, before whoever made the change goes on. It is for what lies outside
   * of the state; if it throws, they get the error, and the change stays.
   */
  afterwards(unit: ChangeUnit, work: () => Promise<void>): void {
    this.#followUps.set(unit, [...(this.#followUps.get(unit) ?? []), work])
  }

  /** Resolves when everything that was told before has left. */
  async settled(): Promise<void> {
    await this.change(() => {})
  }

  /** Sets a property of a domain, or of the system, from text (reference: admin-api, 4.1). */
  async setProperty(holder: PropertyHolder, name: string, text: string): Promise<void> {
    const property = holder.property(name)
    // A property that cannot be set refuses by itself, whatever the text.
    const parse = (): unknown => (property.writable === 'always' ? property.parse(holder, text) : text)
    if (property.verify) await property.verify(holder, parse())
    // Read again: what the text names may have gone while the disk was asked.
    await this.change((unit) => holder.set(unit, property, parse()))
  }

  async resetProperty(holder: PropertyHolder, name: string): Promise<void> {
    const property = holder.property(name)
    await this.change((unit) => holder.reset(unit, property))
  }

  /** A random identity (RFC 9562, version 4). */
  newUuid(): string {
    const bytes = this.os.host.random(16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  protected override storeProperty(unit: ChangeUnit, name: string, text: string | null | undefined): void {
    if (text === undefined) unit.delete('global_properties', [name])
    else unit.put('global_properties', [name], [text])
  }
}
