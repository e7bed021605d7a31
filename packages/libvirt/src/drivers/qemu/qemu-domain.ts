import { type Message, Mutex, msg } from '@cloister/kit'
import type { DomainDefinition } from '../../domain-definition.ts'
import type { DomainHandle, DomainStateAndReason } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { stateReasons } from '../../state-reasons.ts'
import { formatDomainXml } from '../../xml/domain-format.ts'
import type { Identified } from '../domain-table.ts'
import type { DomainRun } from './run/domain-run.ts'

/** A domain: it has a stored configuration while it is persistent, and a run while it is active. */
export class QemuDomain implements Identified {
  readonly name: string
  readonly uuid: string
  /** Held by each operation that changes the domain. */
  readonly lock: Mutex = new Mutex()
  /** The configuration of the next start; undefined when the domain is transient. */
  stored: DomainDefinition | undefined
  /** How the last run ended. */
  #shutoff: DomainStateAndReason = { state: 'shutoff', reason: stateReasons.shutoff.unknown }
  #run: DomainRun | undefined
  /** The definition that the domain was made from; in force while the domain is neither stored nor running. */
  readonly #first: DomainDefinition

  constructor(definition: DomainDefinition) {
    this.name = definition.name
    this.uuid = definition.uuid
    this.#first = definition
  }

  get id(): number {
    return this.#run?.id ?? -1
  }

  get active(): boolean {
    return this.#run !== undefined
  }

  get handle(): DomainHandle {
    return { name: this.name, uuid: this.uuid, id: this.id }
  }

  get state(): DomainStateAndReason {
    if (!this.#run) return this.#shutoff
    const { state, reason, why } = this.#run.state
    return { state, reason, ...(why !== undefined && { why }) }
  }

  /** @throws LibvirtError OPERATION_INVALID when the domain is not active */
  get run(): DomainRun {
    return this.#run ?? this.invalid(msg`domain '${this.name}' is not running`)
  }

  /** The definition in force: that of the run, otherwise that of the next start. */
  get definition(): DomainDefinition {
    return this.#run?.definition ?? this.stored ?? this.#first
  }

  begin(run: DomainRun): void {
    this.#run = run
  }

  /** @param shutoff how the run ended */
  end(shutoff: DomainStateAndReason): void {
    this.#run = undefined
    this.#shutoff = shutoff
  }

  /** Domain XML of the run, or of the stored configuration when there is none or it is asked for. */
  describe(inactive: boolean): string {
    const run = this.#run
    if (inactive || !run) return formatDomainXml(this.stored ?? this.definition)
    return formatDomainXml(liveDefinition(run.definition), { id: run.id, memory: run.memory, paths: run.sockets })
  }

  /** @throws LibvirtError OPERATION_INVALID */
  invalid(why: Message): never {
    throw new LibvirtError('OPERATION_INVALID', why, { domain: 'QEMU' })
  }
}

/** The definition as QEMU has it: every serial port, console and channel is a socket, also where a terminal was asked for. */
function liveDefinition(definition: DomainDefinition): DomainDefinition {
  const { devices } = definition
  const sockets = <T extends object>(list: readonly T[]): (T & { backend: 'unix' })[] =>
    list.map((one) => ({ ...one, backend: 'unix' }))
  const { serials, consoles, channels } = devices
  return {
    ...definition,
    devices: { ...devices, serials: sockets(serials), consoles: sockets(consoles), channels: sockets(channels) },
  }
}
