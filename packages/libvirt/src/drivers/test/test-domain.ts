import { type Message, Mutex, msg } from '@cloister/kit'
import type { DomainDefinition } from '../../domain-definition.ts'
import type { DomainHandle, DomainInfo, DomainStateAndReason } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { stateReasons } from '../../state-reasons.ts'
import { formatDomainXml } from '../../xml/domain-format.ts'
import type { Identified } from '../domain-table.ts'
import type { TestRun } from './test-run.ts'

/** A domain in memory: its stored configuration while it is persistent, its run while it is active. */
export class TestDomain implements Identified {
  readonly name: string
  readonly uuid: string
  /** Operations on the domain, one after the other. */
  readonly lock: Mutex = new Mutex()
  /** The configuration of the next start; undefined when the domain is transient. */
  stored: DomainDefinition | undefined
  state: DomainStateAndReason = { state: 'shutoff', reason: stateReasons.shutoff.unknown }
  /** The guest ignores requests to shut down. */
  ignoresShutdown = false
  #run: TestRun | undefined

  constructor({ name, uuid }: Pick<DomainDefinition, 'name' | 'uuid'>) {
    this.name = name
    this.uuid = uuid
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

  /** @throws LibvirtError OPERATION_INVALID when the domain is not active */
  get run(): TestRun {
    return this.#run ?? this.invalid(msg`domain '${this.name}' is not running`)
  }

  get info(): DomainInfo {
    const { maxMemory, memory, vcpus } = this.#definition(false)
    return {
      ...this.state,
      maxMemory,
      memory: this.#run?.memory ?? memory,
      vcpus,
      cpuTime: this.#run?.cpuTime ?? 0n,
    }
  }

  begin(run: TestRun, reason: number): void {
    this.#run = run
    this.state = { state: 'running', reason }
  }

  /** @throws LibvirtError OPERATION_INVALID unless the domain runs */
  pause(): void {
    const { run } = this
    if (this.state.state !== 'running') this.invalid(msg`domain '${this.name}' is not running`)
    run.halt()
    this.state = { state: 'paused', reason: stateReasons.paused.user }
  }

  /** @throws LibvirtError OPERATION_INVALID unless the domain is paused */
  resume(): void {
    const { run } = this
    if (this.state.state !== 'paused') this.invalid(msg`domain '${this.name}' is not paused`)
    run.proceed()
    this.state = { state: 'running', reason: stateReasons.running.unpaused }
  }

  end(reason: number): void {
    this.run.end()
    this.#run = undefined
    this.state = { state: 'shutoff', reason }
  }

  /** Domain XML of the run, or of the stored configuration when there is none or it is asked for. */
  describe(inactive: boolean): string {
    const definition = this.#definition(inactive)
    if (inactive || !this.#run) return formatDomainXml(definition)
    return formatDomainXml(definition, { id: this.id, memory: this.#run.memory, paths: new Map() })
  }

  /** @throws LibvirtError OPERATION_INVALID */
  invalid(why: Message): never {
    throw new LibvirtError('OPERATION_INVALID', why, { domain: 'TEST' })
  }

  #definition(inactive: boolean): DomainDefinition {
    return (inactive ? this.stored : this.#run?.definition) ?? this.stored ?? this.run.definition
  }
}
