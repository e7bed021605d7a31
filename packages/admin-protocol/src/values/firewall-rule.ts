import { type Message, msg, QubesValueError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'
import { isIPv4, isIPv6 } from './ip-address.ts'
import { splitPair } from './key-values.ts'

/** What is done with a packet. */
export type FirewallAction = 'accept' | 'drop'

/** Where a packet goes to. */
export type FirewallDestination =
  | { readonly family: 4 | 6; readonly address: string; readonly prefixLength: number }
  | { readonly host: string }

/** One rule; it matches when all its conditions match (reference: firewall-devices-backup, A1). */
export interface FirewallRule {
  readonly action: FirewallAction
  /** Unix time in seconds; ignored once in the past. */
  readonly expire?: number
  readonly destination?: FirewallDestination
  readonly proto?: 'tcp' | 'udp' | 'icmp'
  /** The domain's own DNS servers. */
  readonly specialTarget?: 'dns'
  /** First and last port; only with tcp and udp. */
  readonly ports?: { readonly first: number; readonly last: number }
  /** Only with icmp. */
  readonly icmpType?: number
  readonly comment?: string
}

/** The part of a rule that has been read so far. */
type Conditions = Partial<FirewallRule>

/** Most characters of a DNS name. */
const hostLimit = 253

function bad(text: Message): never {
  throw new QubesValueError(text)
}

function oneOf<W extends string>(key: string, words: readonly W[]): (value: string) => W {
  return (value) =>
    words.find((word) => word === value) ?? bad(msg`${key} is ${words.join(' or ')}, not ${quoted(value)}`)
}

function number(key: string, value: string, digits: number, most: number): number {
  const small = /^\d+$/.test(value) && value.length <= digits && Number(value) <= most
  return small ? Number(value) : bad(msg`${key} is a number up to ${most}, not ${quoted(value)}`)
}

function network(address: string, length: string | undefined, value: string): FirewallDestination | undefined {
  const family = isIPv6(address) ? 6 : isIPv4(address) ? 4 : undefined
  if (family === undefined) return undefined
  const most = family === 4 ? 32 : 128
  if (length === undefined) return { family, address, prefixLength: most }
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) bad(msg`${quoted(value)} has no valid prefix length`)
  return { family, address, prefixLength: Number(length) }
}

/** Reads a destination. Its kind (address or host name) follows from the value, not from the key. */
function destination(value: string): FirewallDestination {
  const [address = '', length, ...more] = value.split('/')
  const found = more.length === 0 ? network(address, length, value) : undefined
  if (found !== undefined) return found
  if (!/^[a-z0-9._-]+$/.test(value) || value.length > hostLimit) {
    bad(msg`${quoted(value)} is neither an address nor a host name in lower case`)
  }
  return { host: value }
}

function ports(value: string): { first: number; last: number } {
  const [from = '', to = from, ...more] = value.split('-')
  const first = number('dstports', from, 5, 65_535)
  const last = number('dstports', to, 5, 65_535)
  if (more.length > 0 || first > last) bad(msg`dstports is a port or a range of ports, not ${quoted(value)}`)
  return { first, last }
}

const actionWord = oneOf('action', ['accept', 'drop'])
const protoWord = oneOf('proto', ['tcp', 'udp', 'icmp'])
const targetWord = oneOf('specialtarget', ['dns'])

type Reader = (value: string) => Conditions

const readDestination: Reader = (value) => ({ destination: destination(value) })

/** Reads the value of each key of a rule into a condition. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['action', (value) => ({ action: actionWord(value) })],
  ['proto', (value) => ({ proto: protoWord(value) })],
  ['specialtarget', (value) => ({ specialTarget: targetWord(value) })],
  ['expire', (value) => ({ expire: number('expire', value, 15, 999_999_999_999_999) })],
  ['dstports', (value) => ({ ports: ports(value) })],
  ['icmptype', (value) => ({ icmpType: number('icmptype', value, 3, 255) })],
  ['dst4', readDestination],
  ['dst6', readDestination],
  ['dsthost', readDestination],
  ['dstname', readDestination],
])

function readPairs(text: string): Conditions {
  let rule: Conditions = {}
  for (const pair of text.split(' ')) {
    const [key, value] = splitRulePair(pair)
    const read = readers.get(key) ?? bad(msg`${quoted(key)} is no key of a rule`)
    const condition = read(value)
    if (Object.keys(condition).some((name) => name in rule)) bad(msg`${key} sets a condition of the rule a second time`)
    rule = { ...rule, ...condition }
  }
  return rule
}

function splitRulePair(pair: string): [key: string, value: string] {
  try {
    return splitPair(pair)
  } catch (cause) {
    throw new QubesValueError(msg`${quoted(pair)} is not key=value`, { cause })
  }
}

/** Splits off the comment: everything after the first `comment=`, which is the first word or follows a space. */
function splitComment(line: string): [pairs: string, comment: string] {
  const mark = 'comment='
  const at = line.indexOf(mark)
  if (at < 0) return [line, '']
  const comment = line.slice(at + mark.length)
  if (!/^[A-Za-z0-9:;,./_[\] -]*$/.test(comment)) bad(msg`a comment holds letters, digits, spaces and :;,./-_[]`)
  if (at > 0 && line[at - 1] !== ' ') bad(msg`a space is missing before ${mark}`)
  return [line.slice(0, Math.max(at - 1, 0)), comment]
}

function checkTogether(rule: Conditions): void {
  if (rule.ports !== undefined && rule.proto !== 'tcp' && rule.proto !== 'udp')
    bad(msg`dstports needs proto tcp or udp`)
  if (rule.icmpType !== undefined && rule.proto !== 'icmp') bad(msg`icmptype needs proto icmp`)
}

/**
 * Reads one line of a rule list.
 * @throws QubesValueError
 */
export function parseFirewallRule(line: string): FirewallRule {
  const [pairs, comment] = splitComment(line)
  const { action, ...conditions } = readPairs(pairs)
  if (action === undefined) bad(msg`action= is missing`)
  checkTogether(conditions)
  return { action, ...conditions, ...(comment === '' ? {} : { comment }) }
}

function formatDestination(to: FirewallDestination): string {
  return 'host' in to ? `dsthost=${to.host}` : `dst${to.family}=${to.address}/${to.prefixLength}`
}

/** Writes a rule in its normal form. */
export function formatFirewallRule(rule: FirewallRule): string {
  const { expire, destination: to, proto, specialTarget, ports: range, icmpType, comment } = rule
  return [
    `action=${rule.action}`,
    expire === undefined ? '' : ` expire=${expire}`,
    to === undefined ? '' : ` ${formatDestination(to)}`,
    proto === undefined ? '' : ` proto=${proto}`,
    specialTarget === undefined ? '' : ` specialtarget=${specialTarget}`,
    range === undefined ? '' : ` dstports=${range.first}-${range.last}`,
    icmpType === undefined ? '' : ` icmptype=${icmpType}`,
    comment === undefined ? '' : ` comment=${comment}`,
  ].join('')
}

/** One rule as a line. */
export const firewallRule: TextForm<FirewallRule> = {
  syntax: '<rule>',
  parse: parseFirewallRule,
  format: formatFirewallRule,
}
