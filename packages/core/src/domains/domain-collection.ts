import { msg, QubesVMAlreadyExistsError, QubesVMNotFoundError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from './base-vm.ts'
import type { QubesVM } from './qubes-vm.ts'

/** Highest number of a domain (reference: admin-api, 10). */
const lastQid = 9999

/** A name and a number that no other domain can get until they are released. */
export interface Reserved {
  readonly qid: number
  release(): void
}

/** The domains of the system. */
export class DomainCollection {
  readonly #byName = new Map<string, BaseVM>()
  readonly #byUuid = new Map<string, BaseVM>()
  readonly #byQid = new Map<number, BaseVM>()
  readonly #running = new Set<QubesVM>()
  /** Names and numbers of domains that are being made. */
  readonly #reserved = new Set<string | number>()
  #sorted: readonly BaseVM[] | undefined
  /** Below this number every qid is taken. */
  #firstFree = 1

  find(name: string): BaseVM | undefined {
    return this.#byName.get(name)
  }

  /** @throws QubesVMNotFoundError */
  get(name: string): BaseVM {
    const vm = this.find(name)
    if (!vm) throw new QubesVMNotFoundError(msg`No such domain: ${name}`)
    return vm
  }

  findUuid(uuid: string): BaseVM | undefined {
    return this.#byUuid.get(uuid)
  }

  findQid(qid: number): BaseVM | undefined {
    return this.#byQid.get(qid)
  }

  get size(): number {
    return this.#byName.size
  }

  [Symbol.iterator](): Iterator<BaseVM> {
    return this.#byName.values()
  }

  /** By name, the admin domain first. */
  sorted(): readonly BaseVM[] {
    const order = (a: BaseVM, b: BaseVM): number => (a.qid === 0 ? -1 : b.qid === 0 ? 1 : a.name < b.name ? -1 : 1)
    this.#sorted ??= [...this.#byName.values()].sort(order)
    return this.#sorted
  }

  /** Domains with a guest, in whatever state. */
  running(): Iterable<QubesVM> {
    return this.#running
  }

  /** Notes that a domain has a guest, or has none any more. */
  noteRunning(vm: QubesVM, running: boolean): void {
    if (running) this.#running.add(vm)
    else this.#running.delete(vm)
  }

  /** Keeps a name and the lowest free number for a domain that is being made; `release` gives them back. */
  reserve(name: string): Reserved {
    if (this.#byName.has(name) || this.#reserved.has(name))
      throw new QubesVMAlreadyExistsError(msg`The domain ${name} exists already`)
    return this.hold({ name, qid: this.#nextQid() })
  }

  /** Keeps name and number of a domain that is being removed until nothing of it is left; `release` gives them back. */
  hold({ name, qid }: Pick<BaseVM, 'name' | 'qid'>): Reserved {
    this.#reserved.add(name).add(qid)
    return {
      qid,
      release: () => {
        this.#reserved.delete(name)
        this.#reserved.delete(qid)
        if (!this.#byQid.has(qid)) this.#firstFree = Math.min(this.#firstFree, qid)
      },
    }
  }

  add(unit: ChangeUnit, vm: BaseVM): void {
    this.load(vm)
    unit.onRollback(() => this.#forget(vm))
  }

  /** Adds a domain that was read from storage. */
  load(vm: BaseVM): void {
    this.#byName.set(vm.name, vm)
    this.#byUuid.set(vm.uuid, vm)
    this.#byQid.set(vm.qid, vm)
    this.#sorted = undefined
  }

  delete(unit: ChangeUnit, vm: BaseVM): void {
    this.#forget(vm)
    unit.onRollback(() => this.load(vm))
  }

  #forget(vm: BaseVM): void {
    this.#byName.delete(vm.name)
    this.#byUuid.delete(vm.uuid)
    this.#byQid.delete(vm.qid)
    this.#firstFree = Math.min(this.#firstFree, vm.qid)
    this.#sorted = undefined
  }

  #nextQid(): number {
    let qid = Math.max(1, this.#firstFree)
    while (this.#byQid.has(qid)) qid++
    this.#firstFree = qid
    while (this.#byQid.has(qid) || this.#reserved.has(qid)) qid++
    if (qid > lastQid)
      throw new QubesVMAlreadyExistsError(
        msg`No domain can be created: there are ${lastQid} domains, which is the most that a system can have. Remove some first`,
      )
    return qid
  }
}
