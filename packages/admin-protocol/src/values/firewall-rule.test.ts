import { ProtocolError, QubesValueError, utf8 } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firewallRuleArbitrary } from '../testing/arbitraries.ts'
import { type FirewallRule, formatFirewallRule, parseFirewallRule } from './firewall-rule.ts'
import { firewallPolicy, firewallRules, rulesWithoutPolicy, rulesWithPolicy } from './firewall-rules.ts'

const normal = (line: string): string => formatFirewallRule(parseFirewallRule(line))

describe('a firewall rule', () => {
  // Reference: firewall-devices-backup, A5, and the recorded transcripts.
  it.each([
    ['action=accept dsthost=127.0.0.1', 'action=accept dst4=127.0.0.1/32'],
    ['action=accept dsthost=127.0.0.0/8', 'action=accept dst4=127.0.0.0/8'],
    ['action=accept dsthost=2001:abcd:efab::/64', 'action=accept dst6=2001:abcd:efab::/64'],
    ['action=accept dsthost=2001:abcd:efab::3', 'action=accept dst6=2001:abcd:efab::3/128'],
    ['action=accept proto=tcp dstports=80', 'action=accept proto=tcp dstports=80-80'],
    ['action=accept proto=udp dstports=80-90', 'action=accept proto=udp dstports=80-90'],
    ['action=accept proto=icmp icmptype=8', 'action=accept proto=icmp icmptype=8'],
    ['action=accept proto=icmp icmptype=008', 'action=accept proto=icmp icmptype=8'],
    ['action=accept expire=1463292452', 'action=accept expire=1463292452'],
    ['action=drop proto=tcp dstports=80-80', 'action=drop proto=tcp dstports=80-80'],
    [
      'action=accept expire=2063292452 proto=tcp comment=Some comment, with spaces',
      'action=accept expire=2063292452 proto=tcp comment=Some comment, with spaces',
    ],
    [
      'proto=tcp action=accept dstports=80 dsthost=1.2.3.4 expire=2063292452 specialtarget=dns',
      'action=accept expire=2063292452 dst4=1.2.3.4/32 proto=tcp specialtarget=dns dstports=80-80',
    ],
    ['action=accept dst4=example.com', 'action=accept dsthost=example.com'],
    ['action=accept dstname=a.b', 'action=accept dsthost=a.b'],
    ['action=accept dsthost=1.2.3.4/8', 'action=accept dst4=1.2.3.4/8'],
    ['action=accept dst4=0.0.0.0/0', 'action=accept dst4=0.0.0.0/0'],
    ['action=accept dst6=::/0', 'action=accept dst6=::/0'],
    ['action=accept dsthost=1.2.3', 'action=accept dsthost=1.2.3'],
    ['action=accept comment=', 'action=accept'],
    ['action=accept dst4=10.1.2.3/16', 'action=accept dst4=10.1.2.3/16'],
    ['action=accept proto=tcp dstports=0-65535', 'action=accept proto=tcp dstports=0-65535'],
    ['action=drop comment=some text, with: stuff [1]', 'action=drop comment=some text, with: stuff [1]'],
  ])('%j is %j', (line, expected) => {
    expect(normal(line)).toBe(expected)
    expect(normal(expected)).toBe(expected)
  })

  it.each([
    ...['127.0.0.0/33', '127.0.0.0/-1', '127/8', '137.327.0.0/16', '1.2.3.4.5/32', '1.2.3.4/', '1.2.3.4/8/8'].map(
      (value) => `action=accept dst4=${value}`,
    ),
    ...['2001:abcd:efab::3/129', '2001:abcd:efab:3/128', '2001:abcd:efgh::3/128', '::/129', '1::2::3', ''].map(
      (value) => `action=accept dst6=${value}`,
    ),
    ...['https://qubes-os.org', 'Example.com', 'ex;ample', 'x'.repeat(254)].map(
      (value) => `action=accept dsthost=${value}`,
    ),
    'action=accept dsthost=www  qubes-os.org',
    'action=accept dsthost=ex ample',
    ...['80-90-100', 'abcdef', '80 90', '', '100-20', '1-1000000000000', '65536', '80-', '-1', '+80'].map(
      (value) => `action=accept proto=tcp dstports=${value}`,
    ),
    ...['600', '-1', 'abcde', '', '256', '0008'].map((value) => `action=accept proto=icmp icmptype=${value}`),
    ...['abcdef', '', 'soon', '-1', '1e9', '9'.repeat(20)].map((value) => `action=accept expire=${value}`),
    'proto=icmp',
    'action=accept proto=icmp dstports=80',
    'action=accept dstports=80',
    'action=accept proto=tcp icmptype=8',
    'action=accept icmptype=8',
    'action=Accept',
    'action=allow',
    'action=',
    'action=accept proto=TCP',
    'action=accept specialtarget=ntp',
    'action=accept  proto=tcp',
    ' action=accept',
    'action=accept ',
    '',
    'comment=x',
    'action=accept action=drop',
    'action=accept action=accept',
    'action=accept dst4=1.1.1.1 dsthost=2.2.2.2',
    'action=accept bogus=1',
    'action=accept accept',
    'action=acceptcomment=x',
    'action=accept comment=a=b',
    'action=accept comment=a comment=b',
    'action=accept comment=bad$char',
    'action=accept comment=tab\there',
    'action=accept __proto__=x',
  ])('%j is refused', (line) => {
    expect(() => parseFirewallRule(line)).toThrow(QubesValueError)
  })

  it('is read back from its normal form', () => {
    fc.assert(
      fc.property(firewallRuleArbitrary, (rule) => {
        expect(parseFirewallRule(formatFirewallRule(rule))).toEqual(rule)
      }),
    )
  })
})

describe('a list of rules', () => {
  const decode = (text: string): readonly FirewallRule[] => firewallRules.decode(utf8(text))

  it('may miss its last newline, and may be empty', () => {
    expect(decode('action=accept\naction=drop')).toEqual(decode('action=accept\naction=drop\n'))
    expect(decode('')).toEqual([])
  })

  it('holds no empty line', () => {
    for (const text of ['\n', 'action=accept\n\naction=drop\n', 'action=accept\n\n']) {
      expect(() => decode(text)).toThrow(QubesValueError)
    }
  })

  it('is ASCII', () => {
    expect(() => decode('action=accept comment=ż')).toThrow(ProtocolError)
  })

  it('has limits', () => {
    expect(decode('action=accept\n'.repeat(2000))).toHaveLength(2000)
    expect(() => decode('action=accept\n'.repeat(2001))).toThrow(QubesValueError)
    expect(() => decode(`action=accept comment=${'x'.repeat(256 * 1024)}`)).toThrow(QubesValueError)
  })
})

describe('the policy of a list', () => {
  const tcp = parseFirewallRule('action=accept proto=tcp')
  const accept = parseFirewallRule('action=accept')

  it('is its last rule when that has no condition, else drop', () => {
    expect(firewallPolicy([tcp, accept])).toBe('accept')
    expect(firewallPolicy([parseFirewallRule('action=accept comment=all')])).toBe('accept')
    expect(firewallPolicy([accept, tcp])).toBe('drop')
    expect(firewallPolicy([parseFirewallRule('action=accept expire=4102444800')])).toBe('drop')
    expect(firewallPolicy([])).toBe('drop')
  })

  it('can be taken off and put on', () => {
    expect(rulesWithoutPolicy([tcp, accept])).toEqual([tcp])
    expect(rulesWithoutPolicy([tcp])).toEqual([tcp])
    fc.assert(
      fc.property(
        fc.array(firewallRuleArbitrary),
        fc.constantFrom('accept' as const, 'drop' as const),
        (rules, policy) => {
          const whole = rulesWithPolicy(rules, policy)
          expect(firewallPolicy(whole)).toBe(policy)
          expect(rulesWithoutPolicy(whole)).toEqual(rules)
        },
      ),
    )
  })
})
