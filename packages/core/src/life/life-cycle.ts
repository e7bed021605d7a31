import {
  errorChain,
  errorText,
  Mutex,
  msg,
  QubesVMError,
  QubesVMNotPausedError,
  QubesVMNotRunningError,
} from '@cloister/kit'
import type { LifecycleEventKind } from '@cloister/libvirt'
import { type Clock, within } from '@cloister/os'
import type { LifeEventName, LifeEvents } from '../domains/domain-events.ts'
import type { PowerControl, ShutdownOptions } from '../domains/ports/power-control.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'
import { destroyGuest, waits } from './guest-power.ts'
import { Shutdown } from './shutdown.ts'
import { startDomain } from './start.ts'

/** A start that is under way; further calls of `start` wait for the same one. */
interface StartUnderWay {
  readonly done: Promise<void>
  readonly cancel: AbortController
}

/**
 * The power operations of one domain: start, shutdown, kill, pause, suspend (reference: storage-and-lifecycle, B.2–B.4). The
 * state of a guest is what the hypervisor's events say; a stop is handled in one place, exactly once a run, however the guest
 * ended.
 */
export class LifeCycle implements PowerControl {
  readonly #vm: QubesVM
  readonly #clock: Clock
  readonly #rest: () => Promise<void>
  readonly #stopLock = new Mutex()
  readonly #shutdown: Shutdown
  #start: StartUnderWay | undefined

  /** @param rest called when the domain has no guest any more, before its phase becomes `halted` */
  constructor(vm: QubesVM, rest: () => Promise<void>) {
    this.#vm = vm
    this.#clock = vm.app.os.clock
    this.#rest = rest
    this.#shutdown = new Shutdown(vm)
  }

  async start(): Promise<void> {
    const { phase } = this.#vm
    if (phase.name !== 'starting') await phase.settled(this.#clock)
    // Another call may have begun a start while this one waited.
    if (this.#start) return this.#start.done
    if (phase.name === 'running') return
    phase.require('start')
    phase.enter('starting')
    const cancel = new AbortController()
    const done = this.#runStart(cancel.signal).finally(() => {
      this.#start = undefined
    })
    this.#start = { done, cancel }
    return done
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const run = this.#guest('shutdown')
    try {
      await this.#vm.app.events.fireLife(this.#vm, 'domain-pre-shutdown', { force: options.force ?? false })
      await this.#shutdown.request(run, options)
    } catch (error) {
      await this.tell('domain-shutdown-failed', { reason: errorChain(error) })
      throw error
    }
  }

  async kill(): Promise<void> {
    const start = this.#start
    this.#vm.phase.require('kill')
    if (start) return this.#cancelStart(start)
    const run = this.#guest('kill')
    await destroyGuest(this.#vm, run)
    await this.#end(run)
  }

  async pause(): Promise<void> {
    const run = this.#guest('pause')
    if (run.state === 'paused') return
    await this.#vm.app.events.fireLife(this.#vm, 'domain-pre-paused', {})
    await this.#asked(`Pausing ${this.#vm.name}`, run.domain.suspend())
    await run.reached('paused', this.#clock, waits.answerMs)
  }

  async unpause(): Promise<void> {
    const { run } = this.#vm
    // A start creates its guest paused; only that start may resume it.
    if (run?.state !== 'paused' || !run.released) throw new QubesVMNotPausedError(msg`${this.#vm.name} is not paused`)
    await this.resumeGuest(run)
  }

  /** Resumes a paused guest and fires `domain-pre-unpaused` and `domain-unpaused`. */
  async resumeGuest(run: Run): Promise<void> {
    const { events } = this.#vm.app
    await events.fireLife(this.#vm, 'domain-pre-unpaused', {})
    run.expectsResume = true
    try {
      await this.#asked(`Resuming ${this.#vm.name}`, run.domain.resume())
    } catch (error) {
      run.expectsResume = false
      throw error
    }
    run.enter('running')
    await events.fireLife(this.#vm, 'domain-unpaused', {})
  }

  async suspend(): Promise<void> {
    const run = this.#guest('pause')
    if (!this.#vm.app.hypervisors.of(this.#vm).capabilities.suspend) return this.pause()
    await this.#asked(`Suspending ${this.#vm.name}`, run.domain.pmSuspend())
    await run.reached('pmsuspended', this.#clock, waits.answerMs)
  }

  async resume(): Promise<void> {
    const { run } = this.#vm
    if (run?.state !== 'pmsuspended') return this.unpause()
    await this.#asked(`Resuming ${this.#vm.name}`, run.domain.pmWakeup())
    await run.reached('running', this.#clock, waits.answerMs)
    await this.#vm.app.events.fireLife(this.#vm, 'domain-resumed', {})
  }

  onHypervisorEvent(event: LifecycleEventKind, why?: string): void {
    const { run } = this.#vm
    if (!run) return
    if (event === 'stopped') this.#onStopped(run, why)
    else if (event === 'suspended') this.#onSuspended(run, why)
    else if (event === 'resumed') this.#onResumed(run)
    else if (event === 'pmsuspended') run.enter('pmsuspended')
    else if (event === 'crashed') run.enter('crashed')
    else if (event === 'shutdown') run.enter('shutdown')
  }

  /** Ends a guest whose start failed, and waits until its stop is handled. */
  async abandon(run: Run): Promise<void> {
    if (!run.stopReceived) await destroyGuest(this.#vm, run)
    await this.#end(run)
  }

  adopt(): void {
    this.#vm.phase.enter('running')
  }

  async endInterruptedStart(run: Run): Promise<void> {
    if (this.#vm.phase.name !== 'stopping') this.#vm.phase.enter('stopping')
    await this.#logged('ending a guest whose start was interrupted', () => this.abandon(run))
    await this.#comeToRest()
  }

  async handleMissedStop(): Promise<void> {
    const { phase, storage, app } = this.#vm
    if (phase.name !== 'stopping') phase.enter('stopping')
    try {
      await storage.stop()
      await app.runs.ended(this.#vm)
    } finally {
      await this.#comeToRest()
    }
  }

  /** Fires an event about something that has happened already: a handler that fails is only logged. */
  async tell<T extends LifeEventName>(name: T, event: LifeEvents[T]): Promise<void> {
    await this.#logged(`a handler of the event ${name}`, () => this.#vm.app.events.fireLife(this.#vm, name, event))
  }

  /** The guest for an action. @throws QubesVMError when the phase forbids the action, or no guest runs yet */
  #guest(action: 'shutdown' | 'kill' | 'pause'): Run {
    const { phase, run, name } = this.#vm
    phase.require(action)
    if (!run || run.stopReceived || !run.released) {
      throw new QubesVMNotRunningError(
        msg`${name} is being started and its guest does not run yet: try again when it runs, or kill it`,
      )
    }
    return run
  }

  /** The whole start, from the phase `starting` to `running`, or back to `halted`. */
  async #runStart(signal: AbortSignal): Promise<void> {
    const { phase } = this.#vm
    try {
      this.#vm.checkStartable()
      await startDomain(this.#vm, this, signal)
      phase.enter('running')
    } catch (error) {
      await this.#afterFailedStart()
      throw error
    }
  }

  /** A guest that could not be ended still runs, and can be ended by a kill. */
  async #afterFailedStart(): Promise<void> {
    const { phase, run } = this.#vm
    if (!run || run.stopReceived) return this.#comeToRest()
    run.released = true
    phase.enter('running')
  }

  async #cancelStart({ done, cancel }: StartUnderWay): Promise<void> {
    const { name } = this.#vm
    // The start, when it fails, ends the guest that it has created.
    cancel.abort(new QubesVMError(msg`${name} was killed while it was being started`))
    const cancelled = done.then(
      () => {},
      () => {},
    )
    await within({ clock: this.#clock, ms: waits.stopMs, what: `The end of the start of ${name}` }, cancelled)
  }

  /** Waits until the stop of a run is handled. */
  async #end(run: Run): Promise<void> {
    const wait = { clock: this.#clock, ms: waits.stopMs, what: `The end of the guest of ${this.#vm.name}` }
    await within(wait, run.ended)
  }

  /** Waits until the hypervisor has carried out a request. @throws QubesVMError that says what failed, and why */
  async #asked(what: string, answer: Promise<void>): Promise<void> {
    try {
      await within({ clock: this.#clock, ms: waits.answerMs, what: 'An answer of the hypervisor' }, answer)
    } catch (cause) {
      throw new QubesVMError(msg`${what} failed: ${errorText(cause)}`, { cause })
    }
  }

  #onStopped(run: Run, why: string | undefined): void {
    if (run.stopReceived) return
    if (why !== undefined) this.#vm.app.log.warn('a guest was ended', { domain: this.#vm.name, reason: why })
    this.#vm.app.agents.note(this.#vm, false)
    const { phase } = this.#vm
    // When a guest ends during its start, the start fails and cleans up (`#runStart`).
    const byStart = phase.name === 'starting' || phase.name === 'stopping'
    if (!byStart) phase.enter('stopping')
    run.noteStop(() => this.#stopLock.run(() => this.#handleStop(run, byStart)))
  }

  async #handleStop(run: Run, byStart: boolean): Promise<void> {
    const vm = this.#vm
    const { app } = vm
    const failures: unknown[] = []
    // A failing handler must not prevent the commit of the volumes.
    const step = async (name: 'domain-stopped' | 'domain-shutdown'): Promise<void> => {
      await this.#logged(`a handler of the event ${name}`, () => app.events.fireLife(vm, name, {}), failures)
    }
    await step('domain-stopped')
    const stopped = await this.#logged('stopping the volumes of a domain', () => vm.storage.stop())
    await this.#logged('releasing the network of a domain', () => app.network.release(vm))
    if (vm.run === run) vm.run = undefined
    app.events.announceReset(vm, 'xid', 'stubdom_xid', 'start_time')
    await step('domain-shutdown')
    if (stopped) await this.#logged('storing the end of the run of a domain', () => app.runs.ended(vm))
    if (!byStart) await this.#comeToRest(failures)
    if (failures.length > 0) throw failures[0]
  }

  /** Runs the handlers of `rest`, for instance the removal of a disposable; then the domain is halted, or removed. */
  async #comeToRest(failures: unknown[] = []): Promise<void> {
    const { phase } = this.#vm
    if (phase.name !== 'stopping') phase.enter('stopping')
    await this.#logged('cleaning up after the run of a domain', this.#rest, failures)
    if (phase.name === 'stopping') phase.enter('halted')
  }

  /** Does work whose failure is logged and collected, not thrown. @returns true when `work` succeeded */
  async #logged(what: string, work: () => Promise<void>, failures: unknown[] = []): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#vm.app.log.error(`${what} failed`, { domain: this.#vm.name, error: errorChain(error) })
      failures.push(error)
      return false
    }
  }

  #onSuspended(run: Run, why: string | undefined): void {
    run.enter('paused')
    run.pausedWhy = why
    if (why !== undefined)
      this.#vm.app.log.warn('a guest was paused by the hypervisor', { domain: this.#vm.name, reason: why })
    if (run.released) void this.tell('domain-paused', {})
  }

  #onResumed(run: Run): void {
    run.enter('running')
    run.pausedWhy = undefined
    if (run.expectsResume) run.expectsResume = false
    else void this.tell('domain-unpaused', {})
  }
}
