import {
  errorChain,
  Mutex,
  msg,
  QubesVMError,
  QubesVMNotFoundError,
  QubesVMNotPausedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
  QubesVMShutdownTimeoutError,
} from '@cloister/kit'
import type { LifecycleEventKind } from '@cloister/libvirt'
import type { LifeEventName, LifeEvents } from '../domains/domain-events.ts'
import { shutdownTimeout } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from './run.ts'
import { startDomain } from './start.ts'

export interface ShutdownOptions {
  readonly force?: boolean
  readonly wait?: boolean
}

/**
 * Start, stop and what lies between, for one domain (reference: storage-and-lifecycle, B.2–B.4). The truth about a guest
 * comes from the hypervisor's events; a stop is handled in one place, exactly once a run, however the guest ended.
 */
export class LifeCycle {
  readonly #vm: QubesVM
  readonly #stopLock = new Mutex()
  /** The last run that has ended; its stop may still be being handled. */
  #stopped: Run | undefined

  constructor(vm: QubesVM) {
    this.#vm = vm
  }

  /** Starts a halted domain; any other is left as it is. The steps are in `start.ts`. */
  async start(): Promise<void> {
    const vm = this.#vm
    try {
      await vm.startupLock.run(async () => {
        if (!vm.registered) throw new QubesVMNotFoundError(msg`There is no domain ${vm.name} any more`)
        if (vm.powerState !== 'Halted') return
        await this.settled()
        // Handling the stop of a disposable removes it.
        if (!vm.registered) throw new QubesVMNotFoundError(msg`There is no domain ${vm.name} any more`)
        await startDomain(vm)
      })
    } catch (error) {
      await this.#logged('after a failed start', () => vm.afterFailedStart())
      throw error
    }
  }

  /** Resolves when no stop is being handled any more. */
  async settled(): Promise<void> {
    await this.#stopped?.ended.catch(() => {})
  }

  /** Asks the guest to shut down. */
  async shutdown({ force = false, wait = false }: ShutdownOptions = {}): Promise<void> {
    const run = this.#activeRun()
    try {
      await this.#vm.app.events.fireLife(this.#vm, 'domain-pre-shutdown', { force })
      await this.#requestShutdown(run, force)
      if (wait) await this.#waitForEnd(run)
    } catch (error) {
      await this.tell('domain-shutdown-failed', { reason: errorChain(error) })
      throw error
    }
  }

  /** Ends the guest now; returns when its stop is handled. */
  async kill(): Promise<void> {
    const run = this.#activeRun()
    await this.#destroy(run)
    await run.ended
  }

  async pause(): Promise<void> {
    const run = this.#vm.run
    if (!run || run.stopReceived) throw new QubesVMNotRunningError(msg`${this.#vm.name} is not running`)
    if (run.state === 'paused') return
    await this.#vm.app.events.fireLife(this.#vm, 'domain-pre-paused', {})
    await run.domain.suspend()
    await run.reached('paused')
  }

  async unpause(): Promise<void> {
    const run = this.#vm.run
    // A guest that is being started is let go by its start.
    if (run?.state !== 'paused' || run.starting) throw new QubesVMNotPausedError(msg`${this.#vm.name} is not paused`)
    await this.resumeGuest(run)
  }

  /** Lets a paused guest go on, with the events of it. */
  async resumeGuest(run: Run): Promise<void> {
    const { events } = this.#vm.app
    await events.fireLife(this.#vm, 'domain-pre-unpaused', {})
    run.expectsResume = true
    try {
      await run.domain.resume()
    } catch (error) {
      run.expectsResume = false
      throw error
    }
    run.enter('running')
    await events.fireLife(this.#vm, 'domain-unpaused', {})
  }

  /** Suspends the guest to its memory; one that cannot is paused. */
  async suspend(): Promise<void> {
    const run = this.#vm.run
    if (!run || run.stopReceived) throw new QubesVMNotRunningError(msg`${this.#vm.name} is not running`)
    if (!this.#vm.app.hypervisor.capabilities.suspend) return this.pause()
    await run.domain.pmSuspend()
    await run.reached('pmsuspended')
  }

  async resume(): Promise<void> {
    const run = this.#vm.run
    if (run?.state !== 'pmsuspended') return this.unpause()
    await run.domain.pmWakeup()
    await run.reached('running')
    await this.#vm.app.events.fireLife(this.#vm, 'domain-resumed', {})
  }

  /** Follows what the hypervisor tells of the domain. */
  onHypervisorEvent(event: LifecycleEventKind): void {
    const run = this.#vm.run
    if (!run) return
    if (event === 'stopped') this.#onStopped(run)
    else if (event === 'suspended') this.#onSuspended(run)
    else if (event === 'resumed') this.#onResumed(run)
    else if (event === 'pmsuspended') run.enter('pmsuspended')
    else if (event === 'crashed') run.enter('crashed')
    else if (event === 'shutdown') run.enter('shutdown')
  }

  /** Ends a guest whose start failed, and waits until its stop is handled. What fails is logged. */
  async abandon(run: Run): Promise<void> {
    await this.#logged('ending its guest', async () => {
      if (!run.stopReceived) await this.#destroy(run)
      await run.ended
    })
  }

  /** Fires an event of what has happened already: a handler that fails is logged and changes nothing. */
  async tell<T extends LifeEventName>(name: T, event: LifeEvents[T]): Promise<void> {
    await this.#logged(name, () => this.#vm.app.events.fireLife(this.#vm, name, event))
  }

  #activeRun(): Run {
    const { run } = this.#vm
    if (!run || run.stopReceived) throw new QubesVMNotStartedError(msg`${this.#vm.name} is not running`)
    return run
  }

  async #destroy(run: Run): Promise<void> {
    try {
      await run.domain.destroy()
    } catch (cause) {
      if (run.stopReceived) throw new QubesVMNotStartedError(msg`${this.#vm.name} is not running any more`, { cause })
      throw new QubesVMError(msg`Cannot end ${this.#vm.name}`, { cause })
    }
  }

  async #requestShutdown(run: Run, force: boolean): Promise<void> {
    if (run.state === 'paused') {
      if (!force && !this.#vm.isPreloaded)
        throw new QubesVMNotRunningError(msg`${this.#vm.name} is paused and cannot shut down: unpause it, or use force`)
      await this.#destroy(run)
      return
    }
    try {
      await run.domain.shutdown()
    } catch (cause) {
      throw new QubesVMShutdownTimeoutError(msg`${this.#vm.name} cannot be asked to shut down`, { cause })
    }
  }

  async #waitForEnd(run: Run): Promise<void> {
    const seconds = this.#vm.get(shutdownTimeout) ?? 0
    const late = Promise.withResolvers<never>()
    const timer = this.#vm.app.os.clock.after(seconds * 1000, () => {
      late.reject(new QubesVMShutdownTimeoutError(msg`${this.#vm.name} did not shut down in ${seconds} s`))
    })
    try {
      await Promise.race([run.ended, late.promise])
    } finally {
      timer.cancel()
    }
  }

  #onStopped(run: Run): void {
    if (run.stopReceived) return
    this.#stopped = run
    this.#vm.app.agents.note(this.#vm, false)
    run.follow(this.#stopLock.run(() => this.#handleStop(run)))
  }

  async #handleStop(run: Run): Promise<void> {
    const vm = this.#vm
    const { app } = vm
    const failures: unknown[] = []
    // A handler that fails must not keep the volumes from being committed.
    const step = async (work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        failures.push(error)
        app.log.error('the stop of a domain could not be handled to its end', { domain: vm.name, error })
      }
    }
    await step(() => app.events.fireLife(vm, 'domain-stopped', {}))
    const stopped = await this.#logged('stopping its volumes', () => vm.storage.stop())
    if (vm.run === run) vm.run = undefined
    app.events.announceReset(vm, 'xid', 'stubdom_xid', 'start_time')
    await step(() => app.events.fireLife(vm, 'domain-shutdown', {}))
    if (stopped) await this.#logged('the end of its run', () => app.runs.ended(vm))
    if (failures.length > 0) throw failures[0]
  }

  /** Does what must not keep anything else from happening. @returns whether it succeeded; if not, that is in the log */
  async #logged(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#vm.app.log.error('something went wrong with a domain', { domain: this.#vm.name, what, error })
      return false
    }
  }

  #onSuspended(run: Run): void {
    run.enter('paused')
    if (!run.starting) void this.tell('domain-paused', {})
  }

  #onResumed(run: Run): void {
    run.enter('running')
    if (run.expectsResume) run.expectsResume = false
    else void this.tell('domain-unpaused', {})
  }
}
