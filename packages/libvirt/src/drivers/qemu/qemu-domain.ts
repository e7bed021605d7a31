import { type Message, Mutex, msg } from '@cloister/kit'
import type { DomainDefinition } from '../../domain-definition.ts'
import type { DomainHandle, DomainStateAndReason } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { stateReasons } from '../../state-reasons.ts'
import { formatDomainXml } from '../../xml/domain-format.ts'
import type { Identified } from '../domain-table.ts'
import type { DomainRun } from './run/domain-run.ts'

/** A domain: its stored configuration while it is persistent, its run while it is active. */
export class QemuDomain implements Identified {
  readonly name: string
  readonly uuid: string
  /** Operations that change the domain, one after the other. */
  readonly lock: Mutex = new Mutex()
  /** The configuration of the next start; undefined when the domain is transient. */
  stored: DomainDefinition | undefined
  /** How the last run ended. */
  #shutoff: DomainStateAndReason = { state: 'shutoff', reason: stateReasons.shutoff.unknown }
  #run: DomainRun | undefined
  /** What it was made from, for as long as it is neither stored nor runs. */
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

  /** What is in force: of the run, or of the next one. */
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

/** What was really made: every serial port, console and channel is a socket, even if a terminal was wished for. */
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
