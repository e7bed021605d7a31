import { msg, QubesTagNotFoundError } from '@cloister/kit'
import type { ChangeUnit } from '../properties/property.ts'
import type { BaseVM } from './base-vm.ts'

/** The tags of a domain (reference: admin-api, 8). */
export class Tags {
  readonly #vm: BaseVM
  readonly #tags = new Set<string>()

  constructor(vm: BaseVM) {
    this.#vm = vm
  }

  has(tag: string): boolean {
    return this.#tags.has(tag)
  }

  /** Sorted. */
  list(): string[] {
    return [...this.#tags].sort()
  }

  /** Takes a tag over from storage, or gives it to a domain that is being made. */
  load(tag: string): void {
    this.#tags.add(tag)
  }

  /** Adds a tag; one that is there changes nothing and fires nothing. */
  add(unit: ChangeUnit, tag: string): void {
    if (this.#tags.has(tag)) return
    this.#tags.add(tag)
    unit.undo(() => this.#tags.delete(tag))
    if (this.#vm.registered) unit.put('tags', [this.#vm.qid, tag], [])
    this.#vm.system.events.fire(unit, this.#vm, 'domain-tag-add', { tag }, tag)
  }

  remove(unit: ChangeUnit, tag: string): void {
    if (!this.#tags.has(tag)) throw new QubesTagNotFoundError(msg`${this.#vm.title} has no tag ${tag}`)
    this.discard(unit, tag)
  }

  /** Removes a tag if it is there. */
  discard(unit: ChangeUnit, tag: string): void {
    if (!this.#tags.delete(tag)) return
    unit.undo(() => this.#tags.add(tag))
    if (this.#vm.registered) unit.delete('tags', [this.#vm.qid, tag])
    this.#vm.system.events.fire(unit, this.#vm, 'domain-tag-delete', { tag }, tag)
  }

  /** Writes all tags of a new domain down. */
  storeAll(unit: ChangeUnit): void {
    for (const tag of this.#tags) unit.put('tags', [this.#vm.qid, tag], [])
  }
}
