import { type FirewallRule, formatFirewallRule, parseFirewallRule } from '@cloister/admin-protocol'
import type { Timer } from '@cloister/os'
import type { ChangeUnit } from '../properties/property.ts'
import type { BaseVM } from './base-vm.ts'

const msPerSecond = 1000
/** Timers reach no further than 24 days: the wait is then taken up again. */
const longestWaitMs = 24 * 24 * 3600 * msPerSecond

/** Name of the firewall in what is damaged of a domain. */
const firewallPart = 'firewall'

/** A domain without a stored firewall lets everything out (reference: firewall-devices-backup, A1). */
const acceptAll: readonly FirewallRule[] = [parseFirewallRule('action=accept')]

/** The firewall of a domain as it is stored: an ordered list of rules, the first match decides, the end drops. */
export class Firewall {
  readonly #vm: BaseVM
  #rules: readonly FirewallRule[] | undefined
  #timer: Timer | undefined

  constructor(vm: BaseVM) {
    this.#vm = vm
  }

  /** All rules that have not expired. */
  rules(): FirewallRule[] {
    const now = this.#vm.app.os.clock.now() / msPerSecond
    return (this.#rules ?? acceptAll).filter(({ expire }) => expire === undefined || expire > now)
  }

  /** Takes rules over from storage, or from another domain. */
  load(rules: readonly FirewallRule[] | undefined): void {
    this.#rules = rules
    this.#awaitExpiry()
  }

  /** Takes note that the stored rules cannot be read: nothing is let out until they are set anew. */
  loadDamaged(reason: string): void {
    this.load([])
    this.#vm.damage.note(firewallPart, reason)
  }

  /** The rules of a domain that was given any. */
  get own(): readonly FirewallRule[] | undefined {
    return this.#rules
  }

  set(unit: ChangeUnit, rules: readonly FirewallRule[]): void {
    const before = this.#rules
    this.load(rules)
    unit.undo(() => this.load(before))
    this.#vm.damage.heal(unit, firewallPart)
    this.storeIfSet(unit)
    this.reload(unit)
  }

  /** Has the rules applied anew. */
  reload(unit: ChangeUnit): void {
    this.#vm.app.events.fire(unit, this.#vm, 'firewall-changed', {})
  }

  /** Writes the rules down, if the domain is stored and has any of its own. */
  storeIfSet(unit: ChangeUnit): void {
    if (!this.#vm.registered || !this.#rules) return
    unit.put('firewall', [this.#vm.qid], [this.#rules.map(formatFirewallRule).join('\n')])
  }

  /** Waits for the next rule to expire: it is then dropped from storage, and the others are applied anew. */
  #awaitExpiry(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const times = (this.#rules ?? []).flatMap(({ expire }) => (expire === undefined ? [] : [expire]))
    if (times.length === 0) return
    const { app } = this.#vm
    const wait = Math.min(...times) * msPerSecond - app.os.clock.now()
    this.#timer = app.os.clock.after(Math.min(Math.max(wait, 0), longestWaitMs), () => void this.#expire())
  }

  async #expire(): Promise<void> {
    const left = this.rules()
    if (!this.#vm.registered) return
    if (left.length === this.#rules?.length) {
      this.#awaitExpiry()
      return
    }
    try {
      await this.#vm.app.change((unit) => this.set(unit, left))
    } catch (error) {
      this.#vm.app.log.error('rules that have expired could not be dropped', { domain: this.#vm.name, error })
    }
  }
}
