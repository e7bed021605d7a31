import { msg, QubesTagNotFoundError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { RecordOwner } from './record-owner.ts'

/** The tags of a domain (reference: admin-api, 8). */
export class Tags {
  readonly #owner: RecordOwner
  readonly #tags = new Set<string>()

  constructor(owner: RecordOwner) {
    this.#owner = owner
  }

  has(tag: string): boolean {
    return this.#tags.has(tag)
  }

  /** Sorted. */
  list(): string[] {
    return [...this.#tags].sort()
  }

  /** Sets a tag that was read from storage or belongs to a new domain, without events. */
  load(tag: string): void {
    this.#tags.add(tag)
  }

  /** Adds a tag; adding a tag that the domain has changes nothing and fires no event. */
  add(unit: ChangeUnit, tag: string): void {
    if (this.#tags.has(tag)) return
    this.#tags.add(tag)
    unit.onRollback(() => this.#tags.delete(tag))
    if (this.#owner.registered) unit.put('tags', [this.#owner.qid, tag], [])
    this.#owner.system.events.fire(unit, this.#owner, 'domain-tag-add', { tag }, tag)
  }

  remove(unit: ChangeUnit, tag: string): void {
    if (!this.#tags.has(tag)) throw new QubesTagNotFoundError(msg`${this.#owner.title} has no tag ${tag}`)
    this.discard(unit, tag)
  }

  /** Removes a tag if it is there. */
  discard(unit: ChangeUnit, tag: string): void {
    if (!this.#tags.delete(tag)) return
    unit.onRollback(() => this.#tags.add(tag))
    if (this.#owner.registered) unit.delete('tags', [this.#owner.qid, tag])
    this.#owner.system.events.fire(unit, this.#owner, 'domain-tag-delete', { tag }, tag)
  }

  /** Stores all tags of a new domain. */
  storeAll(unit: ChangeUnit): void {
    for (const tag of this.#tags) unit.put('tags', [this.#owner.qid, tag], [])
  }
}
