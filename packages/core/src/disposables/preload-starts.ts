import { errorChain, msg, QubesException } from '@cloister/kit'
import { within } from '@cloister/os'
import type { DispVM } from '../domains/disp-vm.ts'
import { preloadFeatures } from '../domains/preload-features.ts'
import { qrexecTimeout } from '../domains/properties/qubes-vm-properties.ts'
import type { System } from '../domains/system.ts'
import type { StartSlots } from '../life/start-slots.ts'
import type { Disposables } from './disposables.ts'

/** Whoever asks for a disposable that is not ready waits this many times the time that its agent has to connect. */
const patience = 1.2

/** A disposable that is being started in advance. */
interface UnderWay {
  /** Aborted when somebody asks for it: then it need not rest. */
  readonly wanted: AbortController
  /** Nobody needs it any more. */
  cancelled: boolean
  /** Resolves when it is ready, or nothing of it is left. */
  readonly done: Promise<void>
}

/** Starts of preloaded disposables: from halted to paused, unless somebody asks for one meanwhile, or nobody needs it any more. */
export class PreloadStarts {
  readonly #app: System
  readonly #disposables: Disposables
  readonly #slots: StartSlots
  readonly #underWay = new Map<DispVM, UnderWay>()

  constructor(app: System, disposables: Disposables, slots: StartSlots) {
    this.#app = app
    this.#disposables = disposables
    this.#slots = slots
  }

  /** Begins to start a disposable; one that fails is removed. */
  begin(vm: DispVM): void {
    const wanted = new AbortController()
    const done = this.#bringUp(vm, wanted.signal)
      .catch((error) => this.#failed(vm, error))
      .finally(() => this.#underWay.delete(vm))
    this.#underWay.set(vm, { wanted, cancelled: false, done })
  }

  /** Somebody has asked for a disposable: if it is under way, it goes on without a rest. */
  want(vm: DispVM): void {
    this.#underWay.get(vm)?.wanted.abort()
  }

  /** Has a disposable run that somebody has asked for. @throws QubesException when it cannot, in time */
  async wake(vm: DispVM): Promise<void> {
    const underWay = this.#underWay.get(vm)
    if (underWay) await this.#inTime(vm, underWay.done)
    if (vm.run?.state === 'paused') await vm.lifeCycle.unpause()
    if (vm.run?.state !== 'running') throw new QubesException(msg`${vm.name} does not run`)
  }

  /** Removes a disposable, in whatever state it is. */
  async discard(vm: DispVM): Promise<void> {
    const underWay = this.#underWay.get(vm)
    if (underWay) {
      underWay.cancelled = true
      underWay.wanted.abort()
      // Ends the start, or the guest; a guest that cannot be ended is an error of the clean-up below.
      if (vm.phase.allows('kill')) await vm.lifeCycle.kill().catch(() => {})
      await underWay.done
    }
    await this.#disposables.cleanup(vm)
  }

  /** Holds the start of a preloaded disposable up until the guest can be used, or somebody asks for it. */
  async awaitReady(vm: DispVM): Promise<void> {
    const underWay = this.#underWay.get(vm)
    if (!underWay) return
    await this.#app.agents.ready(vm, (vm.get(qrexecTimeout) ?? 0) * 1000, underWay.wanted.signal)
  }

  async #bringUp(vm: DispVM, wanted: AbortSignal): Promise<void> {
    await this.#slots.run(() => this.#start(vm))
    if (!wanted.aborted) await this.#app.memory.shrink(vm, wanted)
    if (wanted.aborted) return
    await vm.lifeCycle.pause()
    const made = vm.features.find(preloadFeatures.inProgress) ?? ''
    await this.#app.changes.make((unit) => {
      vm.features.remove(unit, preloadFeatures.inProgress)
      vm.features.set(unit, preloadFeatures.completed, made)
    })
  }

  async #start(vm: DispVM): Promise<void> {
    if (this.#underWay.get(vm)?.cancelled) throw new QubesException(msg`${vm.name} is not needed any more`)
    await vm.lifeCycle.start()
  }

  async #failed(vm: DispVM, error: unknown): Promise<void> {
    if (!this.#underWay.get(vm)?.cancelled)
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
    const ms = (vm.get(qrexecTimeout) ?? 0) * 1000 * patience
    const onLate = (): Error => new QubesException(msg`${vm.name} is not ready in time`)
    await within({ clock: this.#app.os.clock, ms, what: `The start of ${vm.name}`, onLate }, done)
  }
}
