import {
  bothDialects,
  type CallRow,
  type Dialect,
  headerAllowance,
  localExecute,
  localRead,
  localWrite,
} from '../call-row.ts'
import { noReply, nothing, reply, required } from '../codec.ts'
import { lines, oneOf } from '../text-forms.ts'
import { type FirewallAction, type FirewallRule, firewallRule } from '../values/firewall-rule.ts'
import { firewallLimit, firewallRules } from '../values/firewall-rules.ts'

// Every row says in `summary` what its call does. In `admin.*` a domain has one list of rules; in `mgmt.*` the list is cut
// in two, rules and policy. The calls of that name mean different things and are different rows.
// Reference: admin-api, 3.8; mgmt-dialect; firewall-devices-backup, A.

const get: Dialect<undefined, undefined, readonly FirewallRule[]> = {
  argument: nothing,
  payload: nothing,
  reply: reply(lines(firewallRule)),
}
const set: Dialect<undefined, readonly FirewallRule[], undefined> = {
  argument: nothing,
  payload: firewallRules,
  reply: noReply,
}
const order: Dialect<undefined, undefined, undefined> = { argument: nothing, payload: nothing, reply: noReply }
const policy = oneOf<FirewallAction>(['accept', 'drop'])
const reading = { ...localRead, destination: 'domain' } as const
const writing = { ...localWrite, destination: 'domain', limit: firewallLimit + headerAllowance } as const

export const vmFirewallGet: CallRow<undefined, undefined, readonly FirewallRule[]> = {
  ...reading,
  key: 'vm.firewall.Get',
  summary: 'Lists the rules of a domain.',
  admin: get,
}

export const vmFirewallSet: CallRow<undefined, readonly FirewallRule[], undefined> = {
  ...writing,
  key: 'vm.firewall.Set',
  summary: 'Replaces the rules of a domain.',
  admin: set,
}

export const vmFirewallGetRules: CallRow<undefined, undefined, readonly FirewallRule[]> = {
  ...reading,
  key: 'vm.firewall.Get',
  summary: 'Lists the rules of a domain without the policy.',
  mgmt: get,
}

export const vmFirewallSetRules: CallRow<undefined, readonly FirewallRule[], undefined> = {
  ...writing,
  key: 'vm.firewall.Set',
  summary: 'Replaces the rules of a domain and keeps the policy.',
  mgmt: set,
}

export const vmFirewallGetPolicy: CallRow<undefined, undefined, FirewallAction> = {
  ...reading,
  key: 'vm.firewall.GetPolicy',
  summary: 'Returns what happens to packets that no rule matches.',
  mgmt: { argument: nothing, payload: nothing, reply: reply(policy) },
}

export const vmFirewallSetPolicy: CallRow<undefined, FirewallAction, undefined> = {
  ...writing,
  key: 'vm.firewall.SetPolicy',
  summary: 'Sets what happens to packets that no rule matches.',
  mgmt: { argument: nothing, payload: required(policy), reply: noReply },
}

export const vmFirewallFlush: CallRow<undefined, undefined, undefined> = {
  ...writing,
  key: 'vm.firewall.Flush',
  summary: 'Removes all rules of a domain and keeps the policy.',
  mgmt: order,
}

export const vmFirewallReload: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.firewall.Reload',
  summary: 'Applies the rules of a domain again.',
  destination: 'domain',
  ...bothDialects(order),
}
