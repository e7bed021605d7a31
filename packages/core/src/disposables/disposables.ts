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

/** Domains that are made to be thrown away (reference: storage-and-lifecycle, B.6). */
export class Disposables {
  readonly #app: System
  /** Disposables that came to rest while other domains referred to them: they are removed when they are needed no more. */
  readonly #needed = new Set<DispVM>()

  constructor(app: System) {
    this.#app = app
  }

  /** Makes a disposable that is removed when it stops; it is not started. */
  create(template: BaseVM, creator: BaseVM): Promise<DispVM> {
    return this.#make(template, (vm) => install(vm, { creator, disposable: true }))
  }

  /** As `create`, before a user asks for one: the disposable is hidden, and on the list of the template. */
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

  /** Removes a disposable that is not needed any more, whatever its phase (reference: storage-and-lifecycle, B.6.4). */
  async cleanup(vm: DispVM): Promise<void> {
    if (!vm.registered) return
    if (vm.phase.allows('kill')) await endGuest(vm)
    await vm.phase.settled(this.#app.os.clock)
    // Coming to rest, or another caller, has removed it, unless it is one that stays.
    if (vm.registered) await removeDomain(vm)
    else await vm.phase.settled(this.#app.os.clock)
  }

  /** Removes a disposable that has come to rest, if it is one that forgets itself. */
  async atRest(vm: QubesVM): Promise<void> {
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

  /** Removes the disposables that stayed because others referred to them, as far as that has changed with `unit`. */
  reconsider(unit: ChangeUnit): void {
    if (this.#needed.size > 0) this.#app.changes.afterwards(unit, () => this.#removeNeeded())
  }

  /** Removes what an earlier daemon has left: disposables that forget themselves and have no guest. */
  async removeLeftovers(): Promise<void> {
    for (const vm of [...this.#app.domains]) {
      if (!(vm instanceof DispVM) || vm.phase.name !== 'halted') continue
      try {
        await this.atRest(vm)
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
      if (vm.registered && vm.phase.allows('remove')) await this.atRest(vm)
    }
  }
}

/** Ends the guest of a disposable; that it has ended by itself meanwhile is fine. */
async function endGuest(vm: DispVM): Promise<void> {
  try {
    await vm.lifeCycle.kill()
  } catch (error) {
    if (!(error instanceof QubesVMNotStartedError)) throw error
  }
}

/** @throws QubesException for a domain that disposables cannot be made from */
export function refuseUnlessTemplate(template: BaseVM): void {
  if (isDisposableTemplate(template)) return
  throw new QubesException(msg`${template.name} is no template of disposables: set its template_for_dispvms first`)
}

/** The template of the disposables that a domain asks for without naming one. */
export function defaultDispvmOf(vm: BaseVM): BaseVM | undefined {
  return vm.get(defaultDispvmOfVM) ?? undefined
}
