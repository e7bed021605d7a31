import { type FirewallRule, formatFirewallRule, parseFirewallRule } from '@cloister/admin-protocol'
import { errorChain } from '@cloister/kit'
import type { Timer } from '@cloister/os'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Damage } from '../properties/damage.ts'
import type { RecordOwner } from './record-owner.ts'
import type { System } from './system.ts'

const msPerSecond = 1000

/** Name of the firewall in what is damaged of a domain. */
const firewallPart = 'firewall'

/** A domain without a stored firewall lets everything out (reference: firewall-devices-backup, A1). */
const acceptAll: readonly FirewallRule[] = [parseFirewallRule('action=accept')]

/** The domain that a firewall belongs to. */
export interface FirewallOwner extends RecordOwner {
  /** What is stored of the domain and cannot be read. */
  readonly damage: Damage
  readonly system: Pick<System, 'changes' | 'events' | 'log' | 'os'>
}

/** The firewall of a domain as it is stored: an ordered list of rules, the first match decides, the end drops. */
export class Firewall {
  readonly #owner: FirewallOwner
  #rules: readonly FirewallRule[] | undefined
  #timer: Timer | undefined

  constructor(owner: FirewallOwner) {
    this.#owner = owner
  }

  /** All rules that have not expired. */
  rules(): FirewallRule[] {
    const now = this.#owner.system.os.clock.now() / msPerSecond
    return (this.#rules ?? acceptAll).filter(({ expire }) => expire === undefined || expire > now)
  }

  /** Sets rules that were read from storage or copied from another domain, without events. */
  load(rules: readonly FirewallRule[] | undefined): void {
    this.#rules = rules
    this.awaitExpiry()
  }

  /** Takes note that the stored rules cannot be read: nothing is let out until they are set anew. */
  loadDamaged(reason: string): void {
    this.load([])
    this.#owner.damage.note(firewallPart, reason)
  }

  /** The rules that were set; undefined for a domain without rules of its own. */
  get own(): readonly FirewallRule[] | undefined {
    return this.#rules
  }

  set(unit: ChangeUnit, rules: readonly FirewallRule[]): void {
    const before = this.#rules
    this.load(rules)
    unit.onRollback(() => this.load(before))
    this.#owner.damage.heal(unit, firewallPart)
    this.storeIfSet(unit)
    this.reload(unit)
  }

  /** Has the rules applied anew. */
  reload(unit: ChangeUnit): void {
    this.#owner.system.events.fire(unit, this.#owner, 'firewall-changed', {})
  }

  /** Stores the rules, if the domain is part of the system and has rules of its own. */
  storeIfSet(unit: ChangeUnit): void {
    if (!this.#owner.registered || !this.#rules) return
    unit.put('firewall', [this.#owner.qid], [this.#rules.map(formatFirewallRule).join('\n')])
  }

  /** The domain is removed: no timer keeps it in memory. */
  forgetExpiry(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Waits for the next rule to expire: it is then dropped from storage, and the others are applied anew. */
  awaitExpiry(): void {
    this.forgetExpiry()
    const times = (this.#rules ?? []).flatMap(({ expire }) => (expire === undefined ? [] : [expire]))
    if (times.length === 0) return
    const { system } = this.#owner
    const wait = Math.min(...times) * msPerSecond - system.os.clock.now()
    this.#timer = system.os.clock.after(Math.max(wait, 0), () => void this.#expire())
  }

  async #expire(): Promise<void> {
    const left = this.rules()
    if (!this.#owner.registered) return
    if (left.length === this.#rules?.length) {
      this.awaitExpiry()
      return
    }
    try {
      await this.#owner.system.changes.make((unit) => this.set(unit, left))
    } catch (error) {
      this.#owner.system.log.error('rules that have expired could not be dropped', {
        domain: this.#owner.title,
        error: errorChain(error),
      })
    }
  }
}
