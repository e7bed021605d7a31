import { msg, QubesFeatureNotFoundError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { RecordOwner } from './record-owner.ts'

interface Feature {
  readonly value: string
  /** Its place in the order in which features were first set. */
  readonly position: number
}

/** The features of a domain, in the order in which they were first set (reference: admin-api, 7). An empty value means false. */
export class Features {
  readonly #owner: RecordOwner
  #features = new Map<string, Feature>()

  constructor(owner: RecordOwner) {
    this.#owner = owner
  }

  names(): string[] {
    return [...this.#features.keys()]
  }

  find(name: string): string | undefined {
    return this.#features.get(name)?.value
  }

  /** True when the feature is set and not empty. */
  enabled(name: string): boolean {
    return !!this.find(name)
  }

  /** Sets a feature that was read from storage or copied from another domain, without events; call it in the order of features. */
  load(name: string, value: string, position: number = this.#nextPosition()): void {
    this.#assign(name, { value, position })
  }

  set(unit: ChangeUnit, feature: string, value: string): void {
    const { events } = this.#owner.system
    const oldvalue = this.find(feature)
    const event = oldvalue === undefined ? { feature, value } : { feature, value, oldvalue }
    events.fire(unit, this.#owner, 'domain-feature-pre-set', event, feature)
    this.#put(unit, feature, { value, position: this.#features.get(feature)?.position ?? this.#nextPosition() })
    events.fire(unit, this.#owner, 'domain-feature-set', event, feature)
  }

  remove(unit: ChangeUnit, feature: string): void {
    const { events } = this.#owner.system
    events.fire(unit, this.#owner, 'domain-feature-pre-delete', { feature }, feature)
    if (!this.#features.has(feature))
      throw new QubesFeatureNotFoundError(msg`${this.#owner.title} has no feature ${feature}`)
    this.#put(unit, feature, undefined)
    events.fire(unit, this.#owner, 'domain-feature-delete', { feature }, feature)
  }

  /** Stores all features of a new domain. */
  storeAll(unit: ChangeUnit): void {
    for (const [name, { position, value }] of this.#features)
      unit.put('features', [this.#owner.qid, name], [position, value])
  }

  #nextPosition(): number {
    let last = -1
    for (const { position } of this.#features.values()) last = Math.max(last, position)
    return last + 1
  }

  #put(unit: ChangeUnit, name: string, feature: Feature | undefined): void {
    const before = this.#features.get(name)
    this.#assign(name, feature)
    unit.onRollback(() => this.#assign(name, before))
    if (!this.#owner.registered) return
    if (feature) unit.put('features', [this.#owner.qid, name], [feature.position, feature.value])
    else unit.delete('features', [this.#owner.qid, name])
  }

  #assign(name: string, feature: Feature | undefined): void {
    if (!feature) this.#features.delete(name)
    else if (this.#features.has(name)) this.#features.set(name, feature)
    else {
      const all = [...this.#features, [name, feature] as const]
      this.#features = new Map(all.sort(([, a], [, b]) => a.position - b.position))
    }
  }
}
