import {
  type FirewallRule,
  firewallPolicy,
  rulesWithoutPolicy,
  rulesWithPolicy,
  vmFirewallFlush,
  vmFirewallGet,
  vmFirewallGetPolicy,
  vmFirewallGetRules,
  vmFirewallReload,
  vmFirewallSet,
  vmFirewallSetPolicy,
  vmFirewallSetRules,
} from '@cloister/admin-protocol'
import type { BaseVM } from '@cloister/core'
import { type HandledCall, handle } from '../handler.ts'

async function store(vm: BaseVM, rules: readonly FirewallRule[]): Promise<undefined> {
  await vm.app.changes.make((unit) => vm.firewall.set(unit, rules))
  return undefined
}

export const firewallHandlers: readonly HandledCall[] = [
  handle(vmFirewallGet, ({ destination }) => destination.firewall.rules()),
  handle(vmFirewallSet, ({ destination, payload }) => store(destination, payload)),
  handle(vmFirewallReload, async ({ app, destination }) => {
    await app.changes.make((unit) => destination.firewall.reload(unit))
    return undefined
  }),
  handle(vmFirewallGetRules, ({ destination }) => rulesWithoutPolicy(destination.firewall.rules())),
  handle(vmFirewallSetRules, ({ destination, payload }) => {
    return store(destination, rulesWithPolicy(payload, firewallPolicy(destination.firewall.rules())))
  }),
  handle(vmFirewallGetPolicy, ({ destination }) => firewallPolicy(destination.firewall.rules())),
  handle(vmFirewallSetPolicy, ({ destination, payload }) => {
    return store(destination, rulesWithPolicy(rulesWithoutPolicy(destination.firewall.rules()), payload))
  }),
  handle(vmFirewallFlush, ({ destination }) =>
    store(destination, rulesWithPolicy([], firewallPolicy(destination.firewall.rules()))),
  ),
]
