import { errorChain, msg, QubesException, QubesVMInUseError, QubesVMNotStartedError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { autoCleanup, DispVM, dispid } from '../domains/disp-vm.ts'
import { disposableName } from '../domains/disposable-numbers.ts'
import type { Reserved } from '../domains/domain-collection.ts'
import { newUuid } from '../domains/new-uuid.ts'
import { enlist, preloadFeatures } from '../domains/preload-features.ts'
import { isDisposableTemplate } from '../domains/properties/dvm-template.ts'
import { defaultDispvmOfVM } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'
import { initialise, install } from '../operations/create-domain.ts'
import { inheritFromTemplate } from '../operations/inherit-from-template.ts'
import { removeDomain } from '../operations/remove-domain.ts'
import { fingerprint } from './preload-outdated.ts'

/** Creates and removes disposables (reference: storage-and-lifecycle, B.6). */
export class Disposables {
  readonly #app: System
  /** Stopped disposables that other domains still refer to: they are removed after the last reference. */
  readonly #needed = new Set<DispVM>()

  constructor(app: System) {
    this.#app = app
  }

  /** Creates a disposable that is removed when it stops; does not start it. */
  create(template: BaseVM, creator: BaseVM): Promise<DispVM> {
    return this.#make(template, (vm) => install(vm, { creator, disposable: true }))
  }

  /** Creates a disposable for later use: it is hidden and on the template's list of preloaded disposables. */
  createPreloaded(template: BaseVM): Promise<DispVM> {
    return this.#make(template, (vm) => {
      vm.features.load(preloadFeatures.inProgress, fingerprint(vm))
      vm.features.load(preloadFeatures.hidden, '1')
      return install(vm, { joined: (unit) => enlist(unit, template, vm) })
    })
  }

  async #make(template: BaseVM, install: (vm: DispVM) => Promise<void>): Promise<DispVM> {
    refuseUnlessTemplate(template)
    const { id, reserved } = this.#reserve()
    try {
      const vm = new DispVM(this.#app, {
        name: disposableName(id),
        qid: reserved.qid,
        uuid: newUuid(this.#app.os.host),
      })
      vm.load(dispid.name, String(id))
      initialise(vm, { label: template.label.name, template })
      vm.load(autoCleanup.name, 'True')
      inheritFromTemplate(vm, template)
      await install(vm)
      return vm
    } finally {
      reserved.release()
    }
  }

  #reserve(): { readonly id: number; readonly reserved: Reserved } {
    const id = this.#app.disposableNumbers.take()
    try {
      return { id, reserved: this.#app.domains.reserve(disposableName(id)) }
    } catch (error) {
      this.#app.disposableNumbers.giveBack(id)
      throw error
    }
  }

  /** Kills and removes a disposable, in any phase (reference: storage-and-lifecycle, B.6.4). */
  async cleanup(vm: DispVM): Promise<void> {
    if (!vm.registered) return
    if (vm.phase.allows('kill')) await endGuest(vm)
    await vm.phase.settled(this.#app.os.clock)
    // The end of its guest, or another caller, has removed the disposable, unless its `auto_cleanup` is not set.
    if (vm.registered) await removeDomain(vm)
  }

  /** Removes a disposable that has no guest any more, if its `auto_cleanup` is set. */
  async removeAtRest(vm: QubesVM): Promise<void> {
    if (!(vm instanceof DispVM) || !vm.registered || !vm.get(autoCleanup)) return
    try {
      await removeDomain(vm)
    } catch (error) {
      if (!(error instanceof QubesVMInUseError)) throw error
      this.#needed.add(vm)
      this.#app.log.warn('a disposable stays until no other domain refers to it', {
        domain: vm.name,
        error: errorChain(error),
      })
    }
  }

  /** Removes, after the change of `unit`, the stopped disposables that no other domain refers to any more. */
  reconsider(unit: ChangeUnit): void {
    if (this.#needed.size > 0) this.#app.changes.afterwards(unit, () => this.#removeNeeded())
  }

  /** Removes the disposables with `auto_cleanup` and without a guest that an earlier daemon has left. */
  async removeLeftovers(): Promise<void> {
    for (const vm of [...this.#app.domains]) {
      if (!(vm instanceof DispVM) || vm.phase.name !== 'halted') continue
      try {
        await this.removeAtRest(vm)
      } catch (error) {
        this.#app.log.error('a disposable of an earlier daemon could not be removed', {
          domain: vm.name,
          error: errorChain(error),
        })
      }
    }
  }

  async #removeNeeded(): Promise<void> {
    for (const vm of [...this.#needed]) {
      this.#needed.delete(vm)
      if (vm.registered && vm.phase.allows('remove')) await this.removeAtRest(vm)
    }
  }
}

/** Ends the guest of a disposable, unless it has ended by itself. */
async function endGuest(vm: DispVM): Promise<void> {
  try {
    await vm.lifeCycle.kill()
  } catch (error) {
    if (!(error instanceof QubesVMNotStartedError)) throw error
  }
}

/** @throws QubesException when disposables cannot be made from the domain */
export function refuseUnlessTemplate(template: BaseVM): void {
  if (isDisposableTemplate(template)) return
  throw new QubesException(msg`${template.name} is no template of disposables: set its template_for_dispvms first`)
}

/** The template of the disposables that a domain asks for without naming one. */
export function defaultDispvmOf(vm: BaseVM): BaseVM | undefined {
  return vm.get(defaultDispvmOfVM) ?? undefined
}
