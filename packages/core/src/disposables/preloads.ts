import { errorChain, Mutex } from '@cloister/kit'
import type { Timer } from '@cloister/os'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import {
  isMarkedPreloaded,
  markUsed,
  maxPreloads,
  preloadDelay,
  preloadFeatures,
  preloadNames,
  unlist,
} from '../domains/preload-features.ts'
import { memory } from '../domains/properties/qubes-vm-properties.ts'
import type { System } from '../domains/system.ts'
import type { StartSlots } from '../life/start-slots.ts'
import { tagDisposable } from '../operations/create-domain.ts'
import { type Disposables, refuseUnlessTemplate } from './disposables.ts'
import { isOutdated } from './preload-outdated.ts'
import { PreloadStarts } from './preload-starts.ts'

/** Outdated disposables go off the list at once, and are removed when whoever asked for one has been served, ms. */
const graceMs = 2000
/** Further changes of a template are waited for before what is outdated is replaced, ms. */
const refreshMs = 30_000

/**
 * Disposables that are started before anybody asks for one (reference: storage-and-lifecycle, B.6.5). They wait, paused, hidden
 * and on a list of their template; features keep that across daemons. Two requests never get the same one, as taking one off
 * the list is a single step.
 */
export class Preloads {
  readonly starts: PreloadStarts
  readonly #app: System
  readonly #disposables: Disposables
  /** Taken off the list by somebody who waits for them. */
  readonly #taken = new Set<DispVM>()
  /** Held while disposables of a template are made, or must not be. */
  readonly #locks = new WeakMap<BaseVM, Mutex>()
  /** Templates whose disposables are to be looked at after some time. */
  readonly #refreshes = new Set<BaseVM>()
  readonly #timers = new Set<Timer>()
  #closed = false

  constructor(app: System, disposables: Disposables, slots: StartSlots) {
    this.#app = app
    this.#disposables = disposables
    this.starts = new PreloadStarts(app, disposables, slots)
  }

  /** A disposable for a user: one that was preloaded, and runs, or else a new one, which is not started. */
  async request(template: BaseVM, creator: BaseVM): Promise<DispVM> {
    refuseUnlessTemplate(template)
    return (await this.take(template, creator)) ?? this.#disposables.create(template, creator)
  }

  /** The preloaded disposables of a template, oldest first. */
  members(template: BaseVM): DispVM[] {
    const found = preloadNames(template).map((name) => this.#app.domains.find(name))
    return found.filter((vm): vm is DispVM => vm instanceof DispVM && vm.template === template)
  }

  /** A running disposable for somebody, if one was preloaded that is as it would be made now. */
  async take(template: BaseVM, creator: BaseVM): Promise<DispVM | undefined> {
    const vm = await this.#claim(template)
    if (!vm) {
      if (maxPreloads(template) > 0) this.#refill(template, () => this.begin(template, 'none was there when asked for'))
      return undefined
    }
    try {
      await this.starts.wake(vm)
      await this.#app.changes.make((unit) => {
        markUsed(unit, vm)
        tagDisposable(unit, vm, creator)
      })
    } catch (error) {
      this.#app.log.warn('a preloaded disposable cannot be used', { domain: vm.name, error: errorChain(error) })
      this.#discard([vm])
      this.#refill(template, () => this.begin(template, 'one could not be used'))
      return undefined
    } finally {
      this.#taken.delete(vm)
    }
    this.#replace(template, vm)
    return vm
  }

  /** A guest goes on that nobody has asked for: whatever it does now, it is no fresh one any more. */
  async noteUnpaused(vm: DispVM): Promise<void> {
    const { template } = vm
    if (!template || this.#taken.has(vm) || vm.features.find(preloadFeatures.completed) === undefined) return
    this.#app.log.warn('a preloaded disposable was unpaused without being asked for', { domain: vm.name })
    try {
      await this.#app.changes.make((unit) => {
        unlist(unit, template, [vm.name])
        markUsed(unit, vm)
      })
      this.#replace(template, vm)
    } catch (error) {
      // It goes on all the same, and nobody waits for us.
      this.#app.log.error('a used disposable stays on the list', { domain: vm.name, error: errorChain(error) })
    }
  }

  /** Has as many disposables of a template preloaded as are wanted, after the event that says why. Returns at once. */
  begin(template: BaseVM, reason: string): void {
    if (maxPreloads(template) === 0 && preloadNames(template).length === 0) return
    this.#inBackground(() => this.#app.events.fireLife(template, 'domain-preload-dispvm-start', { reason }))
  }

  /** Preloads for every template, when the daemon has started its domains, or the host has slept. Returns at once. */
  autostart(): void {
    for (const template of this.#app.domains)
      if (maxPreloads(template) > 0) this.#inBackground(() => this.start(template))
  }

  /** Preloads for one template, at somebody's wish; returns when the disposables are made, not when they are ready. */
  async start(template: BaseVM): Promise<void> {
    await this.#app.events.fireLife(template, 'domain-preload-dispvm-autostart', {})
  }

  /** Removes what is too much, and makes what is missing and there is memory for. */
  async fill(template: BaseVM): Promise<void> {
    await this.#lock(template).run(async () => {
      if (this.#closed) return
      await this.#drop(template, this.members(template).slice(maxPreloads(template)))
      const missing = await this.#missing(template)
      const made = await Promise.allSettled(Array.from({ length: missing }, () => this.#make(template)))
      for (const result of made) {
        if (result.status === 'fulfilled') continue
        const error = errorChain(result.reason)
        this.#app.log.warn('a disposable could not be made in advance', { template: template.name, error })
      }
    })
  }

  /** Replaces the disposables that are not what would be made now. Returns at once. */
  refresh(template: BaseVM, reason: string): void {
    if (this.members(template).length === 0) return
    this.#inBackground(async () => {
      const members = this.members(template)
      const outdated = await Promise.all(members.map(isOutdated))
      const old = members.filter((_vm, at) => outdated[at])
      if (old.length === 0) return
      await this.#drop(template, old)
      this.begin(template, reason)
    })
  }

  /** As `refresh`, when there was time for further changes. */
  refreshLater(template: BaseVM): void {
    if (this.#refreshes.has(template) || this.members(template).length === 0) return
    this.#refreshes.add(template)
    this.#after(refreshMs, () => {
      this.#refreshes.delete(template)
      this.refresh(template, 'a property of the template has changed')
    })
  }

  /** Removes all disposables of a template, with the change of which that is a consequence; then `begin` makes new ones. */
  renew(unit: ChangeUnit, template: BaseVM, reason: string): void {
    const members = this.members(template)
    unlist(unit, template, preloadNames(template))
    this.#app.changes.afterwards(unit, async () => {
      this.#discard(members)
      this.begin(template, reason)
    })
  }

  /** Preloaded disposables that nobody has asked for yet and that name `vm` in a property. */
  referringTo(vm: BaseVM): DispVM[] {
    const users = new Set([...this.#app.references.of(vm)].map(({ holder }) => holder))
    return [...users].filter((user) => this.#waits(user))
  }

  /** Removes those, and does `work` before another is made of `vm`. */
  async without<T>(vm: BaseVM, work: () => Promise<T>): Promise<T> {
    return this.#lock(vm).run(async () => {
      await this.#remove(this.referringTo(vm))
      return work()
    })
  }

  /** Removes every preloaded disposable; returns when they are gone. */
  async removeAll(): Promise<void> {
    await this.#remove([...this.#app.domains].filter((vm) => this.#waits(vm)))
  }

  /** Begins nothing any more. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  /** Takes the first disposable that is not outdated off the list. */
  async #claim(template: BaseVM): Promise<DispVM | undefined> {
    for (;;) {
      const [vm] = this.members(template)
      if (!vm) return undefined
      const outdated = await isOutdated(vm)
      // Somebody else may have taken it meanwhile.
      if (!vm.isPreloaded) continue
      if (outdated) {
        await this.#app.changes.make((unit) => unlist(unit, template, [vm.name]))
        this.#after(graceMs, () => this.#discard([vm]))
        continue
      }
      this.#taken.add(vm)
      this.starts.want(vm)
      try {
        await this.#app.changes.make((unit) => unlist(unit, template, [vm.name]))
        return vm
      } catch (error) {
        this.#taken.delete(vm)
        throw error
      }
    }
  }

  /** True for a disposable that was preloaded and that nobody has asked for yet. */
  #waits(vm: unknown): vm is DispVM {
    return vm instanceof DispVM && isMarkedPreloaded(vm) && !this.#taken.has(vm)
  }

  /** Has one that was used replaced. */
  #replace(template: BaseVM, { name }: DispVM): void {
    const event = { dispvm: name, delay: preloadDelay(template) }
    this.#refill(template, () =>
      this.#inBackground(() => this.#app.events.fireLife(template, 'domain-preload-dispvm-used', event)),
    )
  }

  /** Calls `fire` when the template says that it is time to preload again. */
  #refill(template: BaseVM, fire: () => void): void {
    const delay = preloadDelay(template)
    if (delay < 0 && this.members(template).length > 0) return
    this.#after(Math.max(0, delay) * 1000, fire)
  }

  async #make(template: BaseVM): Promise<void> {
    this.starts.begin(await this.#disposables.createPreloaded(template))
  }

  /** How many more are wanted, as far as there is memory for them. */
  async #missing(template: BaseVM): Promise<number> {
    const wanted = maxPreloads(template) - preloadNames(template).length
    const available = wanted > 0 ? await this.#app.memory.available() : undefined
    if (available === undefined) return Math.max(0, wanted)
    const threshold = Number(this.#app.adminVM.features.find(preloadFeatures.threshold) || 0)
    const room = Math.floor((available / 1024 - threshold) / (template.get(memory) ?? 1))
    return Math.max(0, Math.min(wanted, room))
  }

  /** Takes disposables off their list, and removes them in the background. */
  async #drop(template: BaseVM, vms: readonly DispVM[]): Promise<void> {
    const names = vms.map(({ name }) => name)
    await this.#app.changes.make((unit) => unlist(unit, template, names))
    this.#discard(vms)
  }

  async #remove(vms: readonly DispVM[]): Promise<void> {
    await this.#app.changes.make((unit) => {
      for (const vm of vms) if (vm.template) unlist(unit, vm.template, [vm.name])
    })
    await Promise.all(vms.map((vm) => this.starts.discard(vm)))
  }

  #discard(vms: readonly DispVM[]): void {
    for (const vm of vms) this.#inBackground(() => this.starts.discard(vm))
  }

  #after(ms: number, work: () => void): void {
    const timer = this.#app.os.clock.after(ms, () => {
      this.#timers.delete(timer)
      work()
    })
    this.#timers.add(timer)
  }

  #inBackground(work: () => Promise<void>): void {
    if (this.#closed) return
    work().catch((error) => this.#app.log.error('preloading has failed', { error: errorChain(error) }))
  }

  #lock(template: BaseVM): Mutex {
    const lock = this.#locks.get(template) ?? new Mutex()
    this.#locks.set(template, lock)
    return lock
  }
}
