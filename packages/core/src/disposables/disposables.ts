import { msg, QubesException, QubesVMNotStartedError } from '@cloister/kit'
import type { App } from '../app.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { autoCleanup, DispVM, dispid } from '../domains/disp-vm.ts'
import type { Reserved } from '../domains/domain-collection.ts'
import { enlist, preloadFeatures } from '../domains/preload-features.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'
import { isDisposableTemplate } from '../domains/properties/dvm-template.ts'
import { initialise, install } from '../operations/create-domain.ts'
import { removeDomain } from '../operations/remove-domain.ts'
import type { ChangeUnit } from '../properties/property.ts'
import { fingerprint } from './preload-outdated.ts'

/** Numbers of disposables: 0 would make the address of a network. */
const dispids = { first: 1, last: 9999, tries: 100, restMs: 7 * 24 * 3600_000 } as const

/** Features that say something about preloading and are no business of the disposable itself. */
const aboutPreloading = /^preload-dispvm/

/** Domains that are made to be thrown away (reference: storage-and-lifecycle, B.6). */
export class Disposables {
  readonly #app: App
  /** When each number that is not free yet was given back, milliseconds since 1970. */
  readonly #released = new Map<number, number>()
  readonly #taken = new Set<number>()

  constructor(app: App) {
    this.#app = app
  }

  /** Takes a number that rests over from storage. */
  loadReleased(id: number, releasedMs: number): void {
    this.#released.set(id, releasedMs)
  }

  /** A random number that no disposable has, nor had in the last seven days. */
  takeDispid(): number {
    const now = this.#app.os.clock.now()
    for (let tries = 0; tries < dispids.tries; tries++) {
      const [high = 0, low = 0] = this.#app.os.host.random(2)
      const id = dispids.first + ((high * 256 + low) % (dispids.last - dispids.first + 1))
      const rests = now - (this.#released.get(id) ?? Number.NEGATIVE_INFINITY) < dispids.restMs
      if (rests || this.#taken.has(id) || this.#app.domains.find(nameOf(id))) continue
      this.#taken.add(id)
      return id
    }
    throw new QubesException('There is no free number for another disposable: remove some first')
  }

  /** Notes a number that is in use. */
  noteTaken(id: number): void {
    this.#taken.add(id)
  }

  /** Gives a number back that nobody has seen. */
  giveBack(id: number): void {
    this.#taken.delete(id)
  }

  /** Gives a number back, to rest. */
  release(unit: ChangeUnit, id: number): void {
    const now = this.#app.os.clock.now()
    this.#taken.delete(id)
    this.#released.set(id, now)
    unit.undo(() => {
      this.#taken.add(id)
      this.#released.delete(id)
    })
    unit.put('released_dispids', [id], [now])
    for (const [old, releasedMs] of this.#released) {
      if (now - releasedMs < dispids.restMs) continue
      this.#released.delete(old)
      unit.delete('released_dispids', [old])
    }
  }

  /** A disposable for somebody: one that was preloaded, and runs, or else a new one, which is not started. */
  async request(template: BaseVM, creator: BaseVM): Promise<DispVM> {
    refuseUnlessTemplate(template)
    return (await this.#app.preloads.take(template, creator)) ?? this.create(template, creator)
  }

  /** Makes a disposable that is removed when it stops; it is not started. */
  create(template: BaseVM, creator: BaseVM): Promise<DispVM> {
    return this.#make(template, (vm) => install(vm, { creator, disposable: true }))
  }

  /** As `create`, for whoever will ask for one: it is hidden, and on the list of the template. */
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
      const vm = new DispVM(this.#app, { name: nameOf(id), qid: reserved.qid, uuid: this.#app.newUuid() })
      vm.load(dispid.name, String(id))
      initialise(vm, { label: template.label.name, template })
      vm.load(autoCleanup.name, 'True')
      inherit(vm, template)
      await install(vm)
      return vm
    } finally {
      reserved.release()
    }
  }

  #reserve(): { readonly id: number; readonly reserved: Reserved } {
    const id = this.takeDispid()
    try {
      return { id, reserved: this.#app.domains.reserve(nameOf(id)) }
    } catch (error) {
      this.giveBack(id)
      throw error
    }
  }

  /** Removes a disposable that nobody needs any more, whatever it does (reference: storage-and-lifecycle, B.6.4). */
  async cleanup(vm: DispVM): Promise<void> {
    if (!vm.registered) return
    try {
      await vm.lifeCycle.kill()
    } catch (error) {
      if (!(error instanceof QubesVMNotStartedError)) throw error
      await vm.lifeCycle.settled()
    }
    // Its stop has removed it already, when it ran.
    if (vm.registered) await removeDomain(vm)
  }
}

function nameOf(id: number): string {
  return `disp${id}`
}

function refuseUnlessTemplate(template: BaseVM): void {
  if (isDisposableTemplate(template)) return
  throw new QubesException(msg`${template.name} is no template of disposables: set its template_for_dispvms first`)
}

/** What a disposable has from its template: properties that are set there, features, tags, firewall. */
function inherit(vm: DispVM, template: BaseVM): void {
  for (const [property, value] of template.explicitProperties()) {
    const { name, clone } = vm.propertyTable.get(property.name) ?? { name: '', clone: false }
    if (!clone || name === labelOfVM.name || !vm.isDefault({ name })) continue
    vm.load(name, value === null ? null : property.format(value))
  }
  for (const name of template.features.names()) {
    if (!aboutPreloading.test(name)) vm.features.load(name, template.features.find(name) ?? '')
  }
  for (const tag of template.tags.list()) vm.tags.load(tag)
  vm.firewall.load(template.firewall.own)
}

/** The template of the disposables that a domain asks for without naming one. */
export function defaultDispvmOf(vm: BaseVM): BaseVM | undefined {
  return vm.get<BaseVM | null>({ name: 'default_dispvm' }) ?? undefined
}
