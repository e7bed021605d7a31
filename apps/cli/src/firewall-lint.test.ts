import { parseFirewallRule } from '@cloister/admin-protocol'
import { describe, expect, it } from 'vitest'
import { questionOf } from './firewall-lint.ts'

const question = (condition: string): string | undefined => questionOf(parseFirewallRule(`action=accept ${condition}`))

describe('a rule that the daemon takes', () => {
  it.each(['example.org', 'example.org.', 'localhost', '_sip._tcp.example.org', 'xn--bcher-kva.example', '1e100.net'])(
    'is in order with the host %s',
    (host) => expect(question(`dsthost=${host}`)).toBeUndefined(),
  )

  it('is in order with an address, a network, or no destination', () => {
    expect(question('dst4=10.0.0.0/8')).toBeUndefined()
    expect(question('dsthost=2001:db8::1')).toBeUndefined()
    expect(question('proto=tcp dstports=443')).toBeUndefined()
  })

  it.each([
    ['dsthost=.', 'has a part without a letter'],
    ['dsthost=.x', 'has a part without a letter'],
    ['dsthost=a..b', 'has a part without a letter'],
    ['dsthost=a.b..', 'has a part without a letter'],
    ['dsthost=-a.b', 'has the part "-a"'],
    [`dsthost=${'a'.repeat(64)}.b`, 'which is longer than 63 letters'],
    ['dst4=1.2.3', 'looks like an address that is not complete'],
    ['dsthost=10', 'looks like an address that is not complete'],
    ['dsthost=1.2.3.4.5', 'looks like an address that is not complete'],
  ])('is questioned with %s', (condition, fault) => {
    expect(question(condition)).toContain(fault)
  })
})
