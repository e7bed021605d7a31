import { asciiText, msg, ProtocolError, QubesValueError, utf8 } from '@cloister/kit'
import type { InputCodec } from '../codec.ts'
import { joinLines } from '../text-forms.ts'
import { type FirewallAction, type FirewallRule, formatFirewallRule, parseFirewallRule } from './firewall-rule.ts'

/** Most bytes of a rule list that is set. */
export const firewallLimit: number = 256 * 1024

/** Most rules of one domain. */
export const firewallRuleLimit: number = 2000

/**
 * Reads a list, one rule a line; the last newline may be missing, the empty text is an empty list.
 * @throws QubesValueError
 */
export function parseFirewallRules(text: string): FirewallRule[] {
  if (text === '') return []
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  if (lines.length > firewallRuleLimit) {
    throw new QubesValueError(msg`a domain has at most ${firewallRuleLimit} rules, not ${lines.length}`)
  }
  return lines.map(parseFirewallRule)
}

/** Payload of `vm.firewall.Set`; an empty list drops everything (reference: firewall-devices-backup, A1). */
export const firewallRules: InputCodec<readonly FirewallRule[]> = {
  presence: 'optional',
  syntax: '<rule>\\n…',
  decode(bytes) {
    if (bytes.length > firewallLimit) throw new QubesValueError(msg`rules have at most ${firewallLimit} bytes`)
    const text = asciiText(bytes)
    if (text === undefined) throw new ProtocolError(msg`rules must be ASCII`)
    return parseFirewallRules(text)
  },
  encode: (rules) => utf8(joinLines(rules.map(formatFirewallRule))),
}

function isPolicy(rule: FirewallRule | undefined): rule is FirewallRule {
  return rule !== undefined && Object.keys(rule).every((key) => key === 'action' || key === 'comment')
}

/** The policy of a list: what its last rule does when that has no condition, else `drop` (reference: mgmt-dialect). */
export function firewallPolicy(rules: readonly FirewallRule[]): FirewallAction {
  const last = rules.at(-1)
  return isPolicy(last) ? last.action : 'drop'
}

/** The list without the rule that is its policy. */
export function rulesWithoutPolicy(rules: readonly FirewallRule[]): readonly FirewallRule[] {
  return isPolicy(rules.at(-1)) ? rules.slice(0, -1) : rules
}

/** The list with a rule at its end that is its policy. */
export function rulesWithPolicy(rules: readonly FirewallRule[], policy: FirewallAction): readonly FirewallRule[] {
  return [...rules, { action: policy }]
}
