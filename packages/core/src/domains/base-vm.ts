import type { ChangeUnit } from '../changes/change-unit.ts'
import type { CoreEvent } from '../changes/core-event.ts'
import { PropertyHolder } from '../properties/property-holder.ts'
import type { DomainStorage } from '../storage/domain-storage.ts'
import { Features } from './features.ts'
import { Firewall } from './firewall.ts'
import { type Label, labelOfUnknown } from './labels.ts'
import { Phase } from './phase.ts'
import type { PowerControl } from './ports/power-control.ts'
import type { PowerState } from './power-state.ts'
import { labelOfVM } from './properties/base-properties.ts'
import type { System } from './system.ts'
import { Tags } from './tags.ts'

/** Classes of domains (reference: admin-api, 10), in the order in which they are listed. */
export const vmClasses = ['AppVM', 'TemplateVM', 'StandaloneVM', 'AdminVM', 'DispVM', 'RemoteVM'] as const

export type VMClass = (typeof vmClasses)[number]

/** The identity of a domain, fixed when the domain is created. */
export interface VMIdentity {
  readonly name: string
  readonly qid: number
  /** Lower case, with dashes. */
  readonly uuid: string
}

/**
 * Any domain: identity, label, features, tags, notes, and how these are stored. Volumes, network and power control are in the
 * classes of domains that have them.
 */
export abstract class BaseVM extends PropertyHolder {
  readonly app: System
  readonly name: string
  readonly qid: number
  readonly uuid: string
  readonly features: Features = new Features(this)
  readonly tags: Tags = new Tags(this)
  /** True while the domain is part of the system: only then changes of it are stored, and subscribers are told of its events. */
  registered = false
  #notes = ''
  /** Whether the domain is halted, starting, running, and so on. */
  readonly phase: Phase
  #firewall: Firewall | undefined

  constructor(app: System, { name, qid, uuid }: VMIdentity) {
    super()
    this.app = app
    this.name = name
    this.qid = qid
    this.uuid = uuid
    this.phase = new Phase(name)
  }

  abstract readonly klass: VMClass
  /** Prefix of the icon's name, without the dash. */
  protected abstract readonly iconPrefix: string
  abstract get powerState(): PowerState

  get system(): System {
    return this.app
  }

  get eventSubject(): Pick<CoreEvent, 'domain'> | undefined {
    return this.registered ? { domain: this.name } : undefined
  }

  get title(): string {
    return this.name
  }

  /** The label, for icons and lists; of a domain whose stored label cannot be read, the label of the least trusted. */
  get label(): Label {
    return this.get(labelOfVM) ?? labelOfUnknown
  }

  get icon(): string {
    return `${this.iconPrefix}-${this.label.name}`
  }

  get firewall(): Firewall {
    this.#firewall ??= new Firewall(this)
    return this.#firewall
  }

  /** The volumes; undefined for domains that have none. */
  get storage(): DomainStorage | undefined {
    return undefined
  }

  /** Starts, stops and pauses the domain; undefined for domains without power control. */
  get lifeCycle(): PowerControl | undefined {
    return undefined
  }

  /** True for a disposable that was started in advance and has not been given to a caller yet. */
  get isPreloaded(): boolean {
    return false
  }

  /** The domain that this one is based on; features that are missing here are looked up there ("with template"). */
  get template(): BaseVM | undefined {
    return undefined
  }

  /** The domain that gives this one its network. */
  get netvm(): BaseVM | undefined {
    return undefined
  }

  /** A feature of this domain, else of its template, and so on (reference: storage-and-lifecycle, B.1). */
  featureWithTemplate(name: string): string | undefined {
    return this.features.find(name) ?? this.template?.featureWithTemplate(name)
  }

  get notes(): string {
    return this.#notes
  }

  loadNotes(text: string): void {
    this.#notes = text
  }

  setNotes(unit: ChangeUnit, text: string): void {
    const before = this.#notes
    this.#notes = text
    unit.onRollback(() => this.loadNotes(before))
    if (text === '') unit.delete('notes', [this.qid])
    else unit.put('notes', [this.qid], [text])
  }

  /** Makes the domain part of the system, and stores all of it. */
  register(unit: ChangeUnit): void {
    this.registered = true
    unit.onRollback(() => {
      this.registered = false
    })
    unit.put('domains', [this.qid], [this.klass])
    for (const [name, text] of this.explicitTexts()) unit.put('properties', [this.qid, name], [text])
    this.features.storeAll(unit)
    this.tags.storeAll(unit)
    this.firewall.storeIfSet(unit)
    if (this.#notes) unit.put('notes', [this.qid], [this.#notes])
  }

  /** Takes the domain out of the system: its stored records are deleted, and it does not count as a user of other domains. */
  unregister(unit: ChangeUnit): void {
    this.registered = false
    this.dropReferences()
    this.firewall.forgetExpiry()
    unit.onRollback(() => {
      this.registered = true
      this.restoreReferences()
      this.firewall.awaitExpiry()
    })
    unit.delete('domains', [this.qid])
    for (const table of ['properties', 'features', 'tags', 'volumes', 'devices'] as const)
      unit.delete(table, [this.qid])
    for (const table of ['notes', 'firewall'] as const) unit.delete(table, [this.qid])
  }

  protected override storeProperty(unit: ChangeUnit, name: string, text: string | null | undefined): void {
    if (!this.registered) return
    if (text === undefined) unit.delete('properties', [this.qid, name])
    else unit.put('properties', [this.qid, name], [text])
  }
}
