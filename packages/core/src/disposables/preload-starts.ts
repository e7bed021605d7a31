import { errorChain, msg, QubesException } from '@cloister/kit'
import { within } from '@cloister/os'
import type { DispVM } from '../domains/disp-vm.ts'
import { preloadFeatures } from '../domains/preload-features.ts'
import { qrexecTimeout } from '../domains/properties/qubes-vm-properties.ts'
import type { System } from '../domains/system.ts'
import type { StartSlots } from '../life/start-slots.ts'
import type { Disposables } from './disposables.ts'

/** A request for a disposable that is not ready waits this many times `qrexec_timeout`. */
const waitFactor = 1.2

/** The start of a preloaded disposable, while it is under way. */
interface PendingStart {
  /** Aborted when a user requests the disposable: it is not paused then. */
  readonly requested: AbortController
  /** True when the disposable is to be removed. */
  cancelled: boolean
  /** Resolves when the disposable is ready, or removed. */
  readonly done: Promise<void>
}

/** Starts preloaded disposables and pauses them when they are ready, unless a user requests one before, or it is removed. */
export class PreloadStarts {
  readonly #app: System
  readonly #disposables: Disposables
  readonly #slots: StartSlots
  readonly #pending = new Map<DispVM, PendingStart>()

  constructor(app: System, disposables: Disposables, slots: StartSlots) {
    this.#app = app
    this.#disposables = disposables
    this.#slots = slots
  }

  /** Starts a disposable in the background; a disposable that fails to start is removed. */
  start(vm: DispVM): void {
    const requested = new AbortController()
    const done = this.#bringUp(vm, requested.signal)
      .catch((error) => this.#failed(vm, error))
      .finally(() => this.#pending.delete(vm))
    this.#pending.set(vm, { requested, cancelled: false, done })
  }

  /** Skips the pause at the end of a start that is under way, because a user has requested the disposable. */
  hurry(vm: DispVM): void {
    this.#pending.get(vm)?.requested.abort()
  }

  /** Waits for the start of a disposable, or unpauses it. @throws QubesException when it does not run in time */
  async makeRunning(vm: DispVM): Promise<void> {
    const pending = this.#pending.get(vm)
    if (pending) await this.#inTime(vm, pending.done)
    if (vm.run?.state === 'paused') await vm.lifeCycle.unpause()
    if (vm.run?.state !== 'running') throw new QubesException(msg`${vm.name} does not run`)
  }

  /** Removes a disposable, in any state. */
  async remove(vm: DispVM): Promise<void> {
    const pending = this.#pending.get(vm)
    if (pending) {
      pending.cancelled = true
      pending.requested.abort()
      // When the guest cannot be ended here, the clean-up below fails with the reason.
      if (vm.phase.allows('kill')) await vm.lifeCycle.kill().catch(() => {})
      await pending.done
    }
    await this.#disposables.cleanup(vm)
  }

  /** Delays the end of the start of a preloaded disposable until its guest is ready, or a user requests it. */
  async awaitReady(vm: DispVM): Promise<void> {
    const pending = this.#pending.get(vm)
    if (!pending) return
    await this.#app.agents.ready(vm, (vm.get(qrexecTimeout) ?? 0) * 1000, pending.requested.signal)
  }

  async #bringUp(vm: DispVM, requested: AbortSignal): Promise<void> {
    await this.#slots.run(() => this.#startGuest(vm))
    if (!requested.aborted) await this.#app.memory.shrink(vm, requested)
    if (requested.aborted) return
    await vm.lifeCycle.pause()
    const made = vm.features.find(preloadFeatures.inProgress) ?? ''
    await this.#app.changes.make((unit) => {
      vm.features.remove(unit, preloadFeatures.inProgress)
      vm.features.set(unit, preloadFeatures.completed, made)
    })
  }

  async #startGuest(vm: DispVM): Promise<void> {
    if (this.#pending.get(vm)?.cancelled) throw new QubesException(msg`${vm.name} is not needed any more`)
    await vm.lifeCycle.start()
  }

  async #failed(vm: DispVM, error: unknown): Promise<void> {
    if (!this.#pending.get(vm)?.cancelled)
      this.#app.log.warn('a disposable could not be preloaded', { domain: vm.name, error: errorChain(error) })
    try {
      await this.#disposables.cleanup(vm)
    } catch (failure) {
      this.#app.log.error('a disposable that could not be preloaded is left over', {
        domain: vm.name,
        error: errorChain(failure),
      })
    }
  }

  async #inTime(vm: DispVM, done: Promise<void>): Promise<void> {
    const ms = (vm.get(qrexecTimeout) ?? 0) * 1000 * waitFactor
    const onLate = (): Error => new QubesException(msg`${vm.name} is not ready in time`)
    await within({ clock: this.#app.os.clock, ms, what: `The start of ${vm.name}`, onLate }, done)
  }
}
