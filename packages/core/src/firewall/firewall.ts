import { type FirewallRule, formatFirewallRule, parseFirewallRule } from '@cloister/admin-protocol'
import type { BaseVM } from '../domains/base-vm.ts'
import type { ChangeUnit } from '../properties/property.ts'

/** A domain without a stored firewall lets everything out (reference: firewall-devices-backup, A1). */
const acceptAll: readonly FirewallRule[] = [parseFirewallRule('action=accept')]

/** The firewall of a domain as it is stored: an ordered list of rules, the first match decides, the end drops. */
export class Firewall {
  readonly #vm: BaseVM
  #rules: readonly FirewallRule[] | undefined

  constructor(vm: BaseVM) {
    this.#vm = vm
  }

  /** All rules that have not expired. */
  rules(): FirewallRule[] {
    const now = this.#vm.app.os.clock.now() / 1000
    return (this.#rules ?? acceptAll).filter(({ expire }) => expire === undefined || expire > now)
  }

  /** Takes rules over from storage, or from another domain. */
  load(rules: readonly FirewallRule[] | undefined): void {
    this.#rules = rules
  }

  /** The rules of a domain that was given any. */
  get own(): readonly FirewallRule[] | undefined {
    return this.#rules
  }

  set(unit: ChangeUnit, rules: readonly FirewallRule[]): void {
    const before = this.#rules
    this.#rules = rules
    unit.undo(() => this.load(before))
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
}
