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

/** Delay before outdated disposables are removed, so that the removal does not slow down the request that found them, ms. */
const graceMs = 2000
/** Delay between a change of a template and the replacement of its outdated disposables; further changes may follow, ms. */
const refreshMs = 30_000

/**
 * Disposables that are started before a user requests one (reference: storage-and-lifecycle, B.6.5). They are paused, hidden and
 * on a list of their template. List and marks are features, which survive the daemon. Two requests never get the same
 * disposable, because a request takes it off the list in a single step.
 */
export class Preloads {
  readonly starts: PreloadStarts
  readonly #app: System
  readonly #disposables: Disposables
  /** Disposables that a request has taken off the list and is waiting for. */
  readonly #claimed = new Set<DispVM>()
  /** By template: held while its disposables are made, or while none may be made. */
  readonly #locks = new WeakMap<BaseVM, Mutex>()
  /** Templates with a timer for `replaceOutdated`. */
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
    return (await this.#takeRunning(template, creator)) ?? this.#disposables.create(template, creator)
  }

  /** The preloaded disposables of a template, oldest first. */
  listed(template: BaseVM): DispVM[] {
    const found = preloadNames(template).map((name) => this.#app.domains.find(name))
    return found.filter((vm): vm is DispVM => vm instanceof DispVM && vm.template === template)
  }

  /** Claims a preloaded disposable that is not outdated and makes it run; undefined when there is none. */
  async #takeRunning(template: BaseVM, creator: BaseVM): Promise<DispVM | undefined> {
    const vm = await this.#claim(template)
    if (!vm) {
      if (maxPreloads(template) > 0)
        this.#refillLater(template, () => this.startFill(template, 'a request found no preloaded disposable'))
      return undefined
    }
    try {
      await this.starts.makeRunning(vm)
      await this.#app.changes.make((unit) => {
        markUsed(unit, vm)
        tagDisposable(unit, vm, creator)
      })
    } catch (error) {
      this.#app.log.warn('a preloaded disposable cannot be used', { domain: vm.name, error: errorChain(error) })
      this.#discard([vm])
      this.#refillLater(template, () => this.startFill(template, 'a preloaded disposable could not be used'))
      return undefined
    } finally {
      this.#claimed.delete(vm)
    }
    this.#refillAfterUse(template, vm)
    return vm
  }

  /** Marks a preloaded disposable as used when it was unpaused without a request: its guest may have changed since. */
  async noteUnpaused(vm: DispVM): Promise<void> {
    const { template } = vm
    if (!template || this.#claimed.has(vm) || vm.features.find(preloadFeatures.completed) === undefined) return
    this.#app.log.warn('a preloaded disposable was unpaused without being asked for', { domain: vm.name })
    try {
      await this.#app.changes.make((unit) => {
        unlist(unit, template, [vm.name])
        markUsed(unit, vm)
      })
      this.#refillAfterUse(template, vm)
    } catch (error) {
      // The guest runs already and no caller waits for this change: the error can only be logged.
      this.#app.log.error('a used disposable stays on the list', { domain: vm.name, error: errorChain(error) })
    }
  }

  /** Fires the event whose handler calls `fill`, with the reason. Returns at once. */
  startFill(template: BaseVM, reason: string): void {
    if (maxPreloads(template) === 0 && preloadNames(template).length === 0) return
    this.#inBackground(() => this.#app.events.fireLife(template, 'domain-preload-dispvm-start', { reason }))
  }

  /** Preloads for every template, after the automatic starts of the daemon or a sleep of the host. Returns at once. */
  autostart(): void {
    for (const template of this.#app.domains)
      if (maxPreloads(template) > 0) this.#inBackground(() => this.autostartFor(template))
  }

  /** Preloads for one template; returns when the disposables are created, not when they are ready. */
  async autostartFor(template: BaseVM): Promise<void> {
    await this.#app.events.fireLife(template, 'domain-preload-dispvm-autostart', {})
  }

  /** Removes disposables beyond the wanted number, and creates missing ones as far as there is memory. */
  async fill(template: BaseVM): Promise<void> {
    await this.#lock(template).run(async () => {
      if (this.#closed) return
      await this.#drop(template, this.listed(template).slice(maxPreloads(template)))
      const missing = await this.#missing(template)
      const made = await Promise.allSettled(Array.from({ length: missing }, () => this.#make(template)))
      for (const result of made) {
        if (result.status === 'fulfilled') continue
        const error = errorChain(result.reason)
        this.#app.log.warn('a disposable could not be made in advance', { template: template.name, error })
      }
    })
  }

  /** Replaces outdated disposables. Returns at once. */
  replaceOutdated(template: BaseVM, reason: string): void {
    if (this.listed(template).length === 0) return
    this.#inBackground(async () => {
      const preloaded = this.listed(template)
      const outdated = await Promise.all(preloaded.map(isOutdated))
      const old = preloaded.filter((_vm, at) => outdated[at])
      if (old.length === 0) return
      await this.#drop(template, old)
      this.startFill(template, reason)
    })
  }

  /** Calls `replaceOutdated` after a delay in which further changes may follow. */
  replaceOutdatedLater(template: BaseVM): void {
    if (this.#refreshes.has(template) || this.listed(template).length === 0) return
    this.#refreshes.add(template)
    this.#after(refreshMs, () => {
      this.#refreshes.delete(template)
      this.replaceOutdated(template, 'a property of the template has changed')
    })
  }

  /** Removes all preloaded disposables of a template together with the change of `unit`, and then preloads new ones. */
  replaceAll(unit: ChangeUnit, template: BaseVM, reason: string): void {
    const preloaded = this.listed(template)
    unlist(unit, template, preloadNames(template))
    this.#app.changes.afterwards(unit, async () => {
      this.#discard(preloaded)
      this.startFill(template, reason)
    })
  }

  /** Unclaimed preloaded disposables that name `vm` in a property. */
  referringTo(vm: BaseVM): DispVM[] {
    const users = new Set([...this.#app.references.of(vm)].map(({ holder }) => holder))
    return [...users].filter((user) => this.#isUnclaimed(user))
  }

  /** Removes the disposables of `referringTo(vm)`, then does `work` while no new disposable of `vm` can be preloaded. */
  async runWithoutReferrers<T>(vm: BaseVM, work: () => Promise<T>): Promise<T> {
    return this.#lock(vm).run(async () => {
      await this.#remove(this.referringTo(vm))
      return work()
    })
  }

  /** Removes every preloaded disposable; returns when all are removed. */
  async removeAll(): Promise<void> {
    await this.#remove([...this.#app.domains].filter((vm) => this.#isUnclaimed(vm)))
  }

  /** Stops preloading. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  /** Takes the first disposable that is not outdated off the list. */
  async #claim(template: BaseVM): Promise<DispVM | undefined> {
    for (;;) {
      const [vm] = this.listed(template)
      if (!vm) return undefined
      const outdated = await isOutdated(vm)
      // Another request may have taken it meanwhile.
      if (!vm.isPreloaded) continue
      if (outdated) {
        await this.#app.changes.make((unit) => unlist(unit, template, [vm.name]))
        this.#after(graceMs, () => this.#discard([vm]))
        continue
      }
      this.#claimed.add(vm)
      this.starts.hurry(vm)
      try {
        await this.#app.changes.make((unit) => unlist(unit, template, [vm.name]))
        return vm
      } catch (error) {
        this.#claimed.delete(vm)
        throw error
      }
    }
  }

  /** True for a preloaded disposable that no request has claimed. */
  #isUnclaimed(vm: unknown): vm is DispVM {
    return vm instanceof DispVM && isMarkedPreloaded(vm) && !this.#claimed.has(vm)
  }

  /** Announces later that a disposable was used; the handler of that event preloads another. */
  #refillAfterUse(template: BaseVM, { name }: DispVM): void {
    const event = { dispvm: name, delay: preloadDelay(template) }
    this.#refillLater(template, () =>
      this.#inBackground(() => this.#app.events.fireLife(template, 'domain-preload-dispvm-used', event)),
    )
  }

  /** Calls `fire` after the delay that the template's features ask for. */
  #refillLater(template: BaseVM, fire: () => void): void {
    const delay = preloadDelay(template)
    if (delay < 0 && this.listed(template).length > 0) return
    this.#after(Math.max(0, delay) * 1000, fire)
  }

  async #make(template: BaseVM): Promise<void> {
    this.starts.start(await this.#disposables.createPreloaded(template))
  }

  /** How many disposables are missing and fit into the memory of the host. */
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
    await Promise.all(vms.map((vm) => this.starts.remove(vm)))
  }

  #discard(vms: readonly DispVM[]): void {
    for (const vm of vms) this.#inBackground(() => this.starts.remove(vm))
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
    work().catch((error) => this.#app.log.error('preloading disposables failed', { error: errorChain(error) }))
  }

  #lock(template: BaseVM): Mutex {
    const lock = this.#locks.get(template) ?? new Mutex()
    this.#locks.set(template, lock)
    return lock
  }
}
