import { errorChain, errorText, msg } from '@cloister/kit'
import { within } from '@cloister/os'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { DomainUnresponsiveError } from '../../../domain-unresponsive-error.ts'
import { LibvirtError } from '../../../error.ts'
import { stateReasons } from '../../../state-reasons.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import { monitorSocket } from '../machine/arguments.ts'
import { type CharacterDevice, characterDevices } from '../machine/character-devices.ts'
import { diskId } from '../machine/disk-arguments.ts'
import { QmpClient, type QmpListener } from '../qmp/qmp-client.ts'
import type { QemuRunState, QmpCommand, QmpReply } from '../qmp/qmp-commands.ts'
import { type QmpClosedError, QmpFloodError, QmpLateError } from '../qmp/qmp-error.ts'
import { type JsonObject, type QmpEvent, wholeNumber } from '../qmp/qmp-message.ts'
import { type Rate, RateLimit } from '../qmp/rate-limit.ts'
import { ConsoleDesk } from './console-desk.ts'
import type { QemuProcess } from './qemu-process.ts'
import type { RunRecordFile } from './run-record.ts'
import {
  type EndCause,
  foundNotice,
  foundState,
  type IoError,
  type LifecycleNotice,
  nextState,
  type RunState,
  startedPausedState,
  startingState,
  type Transition,
} from './run-state.ts'

/** QEMU is asked to end itself, so that it closes its images in order; then it is killed, ms. */
const quitMs = 5000
/** A process that has closed its monitor is about to end; one that does not end in this time is killed, ms. */
const lastBreathMs = 15_000
/** A killed process may have to wait for the kernel to finish what it does for the process, ms. */
const goneMs = 30_000
/** Removing the files and groups of a run whose process is gone may take this long, ms. */
const cleanUpMs = 60_000
/** Changes of state that QEMU may tell of beyond those that were asked for. A guest that resets or sleeps in a loop stays far below. */
const unaskedChanges: Rate = { burst: 100, perSecond: 10 }
/** Commands that bring about a change of state. */
const changing: ReadonlySet<QmpCommand> = new Set(['cont', 'stop', 'system_wakeup'])

/** Is told of what happens in a run, from `announce` on. */
export interface RunOwner {
  /** The state has changed; called in the order of the changes. */
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
  readonly #changes: RateLimit
  /** The state is known, and QEMU answers. */
  #isControlled = true
  /** Called after each change of the state. */
  readonly #watchers = new Set<() => void>()
  /** Events that QEMU has told of. */
  #told = 0
  /** Nothing tells of the end of the process but the process itself. */
  #mustWatchProcess = false
  #isOver = false

  constructor(host: QemuHost, record: RunRecordFile, definition: DomainDefinition, process: QemuProcess) {
    this.#host = host
    this.record = record
    this.id = record.record.id
    this.definition = definition
    this.process = process
    this.consoles = new ConsoleDesk(this.#socketsOf(['serial', 'console']))
    this.ended = this.#end.promise
    // Rejects only after `detach`: `destroy` passes the error on, and without a call of it no result is lost.
    this.ended.catch(() => {})
    this.#changes = new RateLimit(unaskedChanges, host.os.clock)
    this.#memory = definition.maxMemory
  }

  get state(): RunState {
    return this.#state
  }

  /** The state, for who is about to change it. @throws DomainUnresponsiveError when it is not known, as QEMU does not answer */
  controlledState(): RunState {
    if (this.#isControlled) return this.#state
    throw this.#unresponsive('its monitor cannot be reached')
  }

  /** Whether the guest is paused now, or is within `ms`. */
  async pausesWithin(ms: number): Promise<boolean> {
    const { clock } = this.#host.os
    const late = new AbortController()
    const watch = (): void => {
      if (this.#state.state === 'paused') late.abort()
    }
    this.#watchers.add(watch)
    watch()
    // Safe to ignore: the sleep rejects only when it is aborted, as the guest has paused.
    await clock.sleep(ms, late.signal).catch(() => {})
    this.#watchers.delete(watch)
    return this.#state.state === 'paused'
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

  /** Connects to the monitor's socket. @throws the system's error */
  async connect(): Promise<void> {
    this.#monitor = await QmpClient.connect(this.monitorPath, this.#host.os, this)
  }

  /** Waits until QEMU takes commands, without a limit: the caller sets one. @throws QmpClosedError, QmpCommandError */
  async handshake(): Promise<void> {
    await this.#connection.handshake()
  }

  /**
   * Learns the state of a run that another daemon has started; a change that QEMU tells of meanwhile is not missed. The wait
   * has no limit: the caller sets one, and calls `loseControl` when it is over. QEMU may still answer later.
   * @throws the system's error, QmpClosedError, QmpCommandError
   */
  async takeOver(): Promise<QemuRunState> {
    await this.connect()
    await this.handshake()
    if (this.definition.devices.balloon) this.#setMemory(await this.#connection.ask('query-balloon'))
    const { status, ioError } = await this.#askStatus()
    this.#isControlled = true
    if (!this.#state.end) this.#state = foundState(status, ioError)
    const notice = foundNotice(this.#state)
    if (notice) this.#owner?.changed(this, notice)
    return status
  }

  /** The state is not known and no command is answered: the run can only be destroyed, unless `takeOver` comes to an end. */
  loseControl(): void {
    this.#state = { ...this.#state, state: 'nostate', reason: stateReasons.nostate.unknown }
    this.#isControlled = false
    this.#mustWatchProcess = true
  }

  /** From now on `owner` is told of everything, also of an end that has come already. */
  announce(owner: RunOwner): void {
    this.#owner = owner
    if (this.process.isOurs || this.#mustWatchProcess) this.#awaitEnd()
  }

  /** The guest has been started paused. */
  stayPaused(): void {
    this.#state = startedPausedState
  }

  /**
   * Runs a command of QEMU's.
   * @throws QmpCommandError, QmpClosedError; DomainUnresponsiveError when QEMU does not answer in time, has not answered an
   * earlier command yet, or cannot be reached
   */
  async execute<C extends QmpCommand>(command: C, args?: JsonObject, timeoutMs?: number): Promise<QmpReply<C>> {
    if (!this.#monitor || !this.#isControlled) throw this.#unresponsive('its monitor cannot be reached')
    if (changing.has(command)) this.#changes.uncount(1)
    try {
      return await this.#monitor.execute(command, args, timeoutMs)
    } catch (error) {
      throw error instanceof QmpLateError ? this.#unresponsive(error.str2, error) : error
    }
  }

  /**
   * Ends the run, whether QEMU answers or not; returns when the process is gone and everything of the run is removed.
   * @throws LibvirtError OPERATION_TIMEOUT when the kernel does not end the process, OPERATION_ABORTED after `detach`
   */
  async destroy(end: EndCause = 'destroyed'): Promise<void> {
    const { clock } = this.#host.os
    // A start that fails because its run is destroyed was destroyed.
    if (this.#state.end !== 'destroyed') this.#state = { ...this.#state, end }
    this.#awaitEnd()
    if (!(await this.#quits())) await this.process.kill()
    if (!(await this.process.goneWithin(goneMs, clock))) {
      const text = msg`QEMU of domain '${this.definition.name}' (process ${this.process.identity.pid}) was killed, but the kernel has not ended it within ${goneMs / 1000} s`
      throw new LibvirtError('OPERATION_TIMEOUT', text, { domain: 'QEMU' })
    }
    const what = `the removal of what domain '${this.definition.name}' leaves`
    await within({ clock, ms: cleanUpMs, what }, this.ended)
  }

  /** Leaves the run to the next daemon: the guest is not touched. */
  detach(): void {
    this.#owner = undefined
    this.#isOver = true
    this.consoles.close()
    this.#monitor?.close()
    this.#end.reject(new LibvirtError('OPERATION_ABORTED', 'the connection was closed', { domain: 'QEMU' }))
  }

  event(event: QmpEvent): void {
    this.#told++
    if (event.name === 'BALLOON_CHANGE') this.#setMemory(wholeNumber(event.data, 'actual'))
    this.#apply(nextState(this.#state, event))
  }

  closed(error: QmpClosedError): void {
    if (error.why === 'ended') this.#awaitLastBreath()
    if (error.why === 'garbled' || error.why === 'flooded') this.#distrust(error)
    this.#mustWatchProcess = true
    if (this.#owner) this.#awaitEnd()
  }

  #socketsOf(kinds: readonly CharacterDevice['kind'][]): ReadonlyMap<string, string> {
    const devices = characterDevices(this.definition.devices).filter(({ kind }) => kinds.includes(kind))
    return new Map(
      devices.map(({ definition, socket }) => [definition.alias, definition.path ?? `${this.#folder}/${socket}`]),
    )
  }

  #apply({ state, notices }: Transition): void {
    if (notices.length > 0 && this.#changes.take(notices.length) > 0) {
      const { burst, perSecond } = unaskedChanges
      throw new QmpFloodError(`QEMU told of more than ${burst} changes of state at once, or ${perSecond} a second`)
    }
    const { end } = state
    // Without control only an end counts of what QEMU says: `takeOver` asks for the state.
    this.#state = this.#isControlled ? state : { ...this.#state, ...(end && { end }) }
    for (const watch of this.#watchers) watch()
    if (this.#isControlled) for (const notice of notices) this.#owner?.changed(this, notice)
  }

  /** A guest cannot have more than its machine, whatever QEMU says. */
  #setMemory(bytes: number): void {
    this.#memory = Math.min(Math.floor(bytes / 1024), this.definition.maxMemory)
  }

  #unresponsive(why: string, cause?: Error): DomainUnresponsiveError {
    return new DomainUnresponsiveError('QEMU', this.definition.name, why, { cause })
  }

  get #connection(): QmpClient {
    if (this.#monitor) return this.#monitor
    throw this.#unresponsive('its monitor cannot be reached')
  }

  /** The status of QEMU, after which QEMU has told of no event. */
  async #askStatus(): Promise<{ status: QemuRunState; ioError: IoError | undefined }> {
    for (;;) {
      const told = this.#told
      const status = await this.#connection.ask('query-status')
      const ioError = status === 'io-error' ? await this.#askIoError() : undefined
      if (told === this.#told) return { status, ioError }
    }
  }

  /** Which disk has stopped the guest, as far as QEMU tells. */
  async #askIoError(): Promise<IoError> {
    const full = (await this.#connection.ask('query-block')).find(({ isFull }) => isFull)
    const disk = this.definition.devices.disks.find((one) => full?.device.split('/').includes(diskId(one)))
    return { isFull: full !== undefined, ...(disk && { disk: disk.target }) }
  }

  /** Whether QEMU ends when it is asked to. */
  async #quits(): Promise<boolean> {
    try {
      await this.execute('quit', {}, quitMs)
    } catch (error) {
      const { name, uuid } = this.definition
      this.#host.log('debug', 'QEMU does not end when asked: it is killed', { name, uuid, error: errorText(error) })
      return false
    }
    return this.process.goneWithin(quitMs, this.#host.os.clock)
  }

  #awaitLastBreath(): void {
    const timer = this.#host.os.clock.after(lastBreathMs, () => this.#kill())
    this.process.gone().then(() => timer.cancel(), this.#reportFailure('waiting for the end of QEMU'))
  }

  #kill(): void {
    this.process.kill().catch(this.#reportFailure('killing QEMU'))
  }

  /** A QEMU that does not speak QMP, or floods its monitor, may be under the control of its guest. */
  #distrust(error: QmpClosedError): void {
    const { name, uuid } = this.definition
    this.#host.log('error', 'a domain is ended, as its QEMU cannot be trusted', {
      name,
      uuid,
      error: errorChain(error),
    })
    if (!this.#state.end) this.#state = { ...this.#state, end: 'failed', endWhy: errorText(error) }
    this.#kill()
  }

  /** Waits for the process to end, then clears up, once. A run that was not announced is cleared up by `destroy` alone. */
  #awaitEnd(): void {
    this.process
      .gone()
      .then(() => this.#finish())
      .catch(this.#reportFailure('clearing up after QEMU'))
  }

  async #finish(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.consoles.close()
    this.#monitor?.close()
    await this.#host.cleanUp(this.record)
    this.#end.resolve()
    this.#owner?.ended(this)
  }

  /** Logs that `what` failed. */
  #reportFailure(what: string): (error: unknown) => void {
    const { name, uuid } = this.definition
    return (error) => this.#host.log('error', `${what} failed`, { name, uuid, error: errorChain(error) })
  }
}
