import { errorChain, msg } from '@cloister/kit'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { LibvirtError } from '../../../error.ts'
import { stateReasons } from '../../../state-reasons.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import { monitorSocket } from '../machine/arguments.ts'
import { type CharacterDevice, characterDevices } from '../machine/character-devices.ts'
import { QmpClient, type QmpListener } from '../qmp/qmp-client.ts'
import type { QemuRunState, QmpCommand, QmpReply } from '../qmp/qmp-commands.ts'
import type { QmpClosedError } from '../qmp/qmp-error.ts'
import { type JsonObject, type QmpEvent, wholeNumber } from '../qmp/qmp-message.ts'
import { ConsoleDesk } from './console-desk.ts'
import type { QemuProcess } from './qemu-process.ts'
import type { RunRecordFile } from './run-record.ts'
import {
  type EndCause,
  foundState,
  type LifecycleNotice,
  nextState,
  type RunState,
  startedPausedState,
  startingState,
  type Transition,
} from './run-state.ts'

/** QEMU is asked to end itself, so that it closes its images in order; then it is made to, ms. */
const quitMs = 5000
/** A process that has closed its monitor is about to end; one that does not is out of control, ms. */
const lastBreathMs = 15_000
/** A killed process may have to wait for the kernel to finish what it does for it, ms. */
const goneMs = 30_000

/** Whoever is told of what happens in a run; nothing is told before `announce`. */
export interface RunOwner {
  /** A change, in order. */
  changed(run: DomainRun, notice: LifecycleNotice): void
  /** The process is gone and everything of the run is removed; called once. */
  ended(run: DomainRun): void
}

/** One run of a domain, from the start of its QEMU to the end. */
export class DomainRun implements QmpListener {
  readonly id: number
  /** What the run was started from. */
  readonly definition: DomainDefinition
  readonly record: RunRecordFile
  readonly process: QemuProcess
  readonly consoles: ConsoleDesk
  /** Resolves when the process is gone and everything of the run is removed. */
  readonly ended: Promise<void>
  readonly #host: QemuHost
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers()
  #owner: RunOwner | undefined
  #monitor: QmpClient | undefined
  #state: RunState = startingState
  #memory: number
  #isMonitorLost = false
  #over = false

  constructor(host: QemuHost, record: RunRecordFile, definition: DomainDefinition, process: QemuProcess) {
    this.#host = host
    this.record = record
    this.id = record.record.id
    this.definition = definition
    this.process = process
    this.consoles = new ConsoleDesk(this.#socketsOf(['serial', 'console']))
    this.ended = this.#end.promise
    this.#memory = definition.maxMemory
  }

  get state(): RunState {
    return this.#state
  }

  /** Memory that the guest has, KiB. */
  get memory(): number {
    return this.#memory
  }

  /** Path of the monitor's socket. */
  get monitorPath(): string {
    return `${this.#folder}/${monitorSocket}`
  }

  /** Paths of the sockets of serial ports, consoles and channels, by alias. */
  get sockets(): ReadonlyMap<string, string> {
    return this.#socketsOf(['serial', 'console', 'channel'])
  }

  get #folder(): string {
    return this.#host.places.runFolder(this.record.record.uuid)
  }

  /** Connects to the monitor. @throws the system's error, QmpClosedError, QmpCommandError */
  async connect(timeoutMs: number): Promise<void> {
    this.#monitor = await QmpClient.open(this.monitorPath, this.#host.os, this, timeoutMs)
  }

  /** Takes up a run that goes on since before us; an end that QEMU has spoken of meanwhile is not forgotten. */
  async resumeControl(status: QemuRunState): Promise<void> {
    if (!this.#state.end) this.#state = foundState(status)
    if (this.definition.devices.balloon) this.#setMemory(await this.execute('query-balloon'))
  }

  /** Without a monitor a run can only be ended. */
  loseControl(): void {
    this.#state = { ...this.#state, state: 'nostate', reason: stateReasons.nostate.unknown }
    this.#isMonitorLost = true
  }

  /** From now on `owner` is told of everything, also of an end that has come already. */
  announce(owner: RunOwner): void {
    this.#owner = owner
    if (this.process.isOurs || this.#isMonitorLost) this.#awaitEnd()
  }

  /** The guest has been started paused. */
  stayPaused(): void {
    this.#state = startedPausedState
  }

  /** Runs a command of QEMU's. @throws QmpCommandError, QmpLateError, QmpClosedError; LibvirtError OPERATION_FAILED */
  execute<C extends QmpCommand>(command: C, args?: JsonObject, timeoutMs?: number): Promise<QmpReply<C>> {
    if (this.#monitor) return this.#monitor.execute(command, args, timeoutMs)
    const text = msg`the monitor of domain '${this.definition.name}' cannot be reached`
    return Promise.reject(new LibvirtError('OPERATION_FAILED', text, { domain: 'QEMU' }))
  }

  /** Ends the run; returns when the process is gone and everything of the run is removed. @throws LibvirtError OPERATION_TIMEOUT */
  async destroy(end: EndCause = 'destroyed'): Promise<void> {
    const { clock } = this.#host.os
    this.#state = { ...this.#state, end }
    this.#awaitEnd()
    const asked = this.execute('quit', {}, quitMs).then(() => this.process.goneWithin(quitMs, clock))
    if (!(await asked.catch(() => false))) await this.process.kill()
    if (await this.process.goneWithin(goneMs, clock)) return this.ended
    const text = msg`QEMU of domain '${this.definition.name}' (process ${this.process.identity.pid}) cannot be killed`
    throw new LibvirtError('OPERATION_TIMEOUT', text, { domain: 'QEMU' })
  }

  /** Leaves the run to itself: the guest goes on without us. */
  detach(): void {
    this.#owner = undefined
    this.#over = true
    this.consoles.close()
    this.#monitor?.close()
  }

  event(event: QmpEvent): void {
    if (event.name === 'BALLOON_CHANGE') this.#setMemory(wholeNumber(event.data, 'actual'))
    this.#apply(nextState(this.#state, event))
  }

  closed(error: QmpClosedError): void {
    if (error.why === 'ended') this.#awaitLastBreath()
    if (error.why === 'garbled') this.#distrust(error)
    this.#isMonitorLost = true
    if (this.#owner) this.#awaitEnd()
  }

  #socketsOf(kinds: readonly CharacterDevice['kind'][]): ReadonlyMap<string, string> {
    const devices = characterDevices(this.definition.devices).filter(({ kind }) => kinds.includes(kind))
    return new Map(
      devices.map(({ definition, socket }) => [definition.alias, definition.path ?? `${this.#folder}/${socket}`]),
    )
  }

  #apply({ state, notices }: Transition): void {
    this.#state = state
    for (const notice of notices) this.#owner?.changed(this, notice)
  }

  /** A guest cannot have more than its machine, whatever QEMU says. */
  #setMemory(bytes: number): void {
    this.#memory = Math.min(Math.floor(bytes / 1024), this.definition.maxMemory)
  }

  #awaitLastBreath(): void {
    const timer = this.#host.os.clock.after(lastBreathMs, () => this.#kill())
    void this.process.gone().then(() => timer.cancel())
  }

  #kill(): void {
    const { name, uuid } = this.definition
    this.process
      .kill()
      .catch((error) => this.#host.log('error', 'QEMU cannot be killed', { name, uuid, error: errorChain(error) }))
  }

  /** A QEMU that does not speak QMP any more is under somebody else's control. */
  #distrust(error: QmpClosedError): void {
    const { name, uuid } = this.definition
    this.#host.log('error', 'a domain is ended, as its QEMU cannot be trusted', {
      name,
      uuid,
      error: errorChain(error),
    })
    this.#state = { ...this.#state, end: this.#state.end ?? 'failed' }
    this.#kill()
  }

  /** Waits for the process to end, then clears up, once. A run that was not announced is cleared up by `destroy` alone. */
  #awaitEnd(): void {
    void this.process.gone().then(() => this.#finish())
  }

  async #finish(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.consoles.close()
    this.#monitor?.close()
    await this.#host.cleanUp(this.record)
    this.#owner?.ended(this)
    this.#end.resolve()
  }
}
