import {
  type FirewallRule,
  firewallLimit,
  formatFirewallRule,
  parseFirewallRule,
  parseFirewallRules,
  vmFirewallGet,
  vmFirewallReload,
  vmFirewallSet,
} from '@cloister/admin-protocol'
import { utf8Text } from '@cloister/kit'
import { any, optional, required } from '../argument.ts'
import { openInput, readAllBytes } from '../byte-input.ts'
import { CliError, UsageError } from '../cli-error.ts'
import { type Command, type CommandGroup, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'
import { exitStatus } from '../exit-status.ts'
import { questionOf } from '../firewall-lint.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../list-output.ts'
import { flag, parsed } from '../option.ts'

const domain = required('DOMAIN', 'the domain', 'domain')

/** A rule with the number by which commands name it. */
interface NumberedRule {
  readonly number: number
  readonly rule: FirewallRule
}

function portsOf({ ports, icmpType, specialTarget }: FirewallRule): string | null {
  if (ports !== undefined) return ports.first === ports.last ? String(ports.first) : `${ports.first}-${ports.last}`
  if (icmpType !== undefined) return `type ${icmpType}`
  return specialTarget ?? null
}

function destinationOf({ destination }: FirewallRule): string | null {
  if (destination === undefined) return null
  return 'host' in destination ? destination.host : `${destination.address}/${destination.prefixLength}`
}

const columns: readonly ListColumn<NumberedRule>[] = [
  { key: 'no', align: 'right', value: ({ number }) => number },
  { key: 'action', value: ({ rule }) => rule.action },
  { key: 'destination', value: ({ rule }) => destinationOf(rule) },
  { key: 'protocol', value: ({ rule }) => rule.proto ?? null },
  { key: 'ports', value: ({ rule }) => portsOf(rule) },
  {
    key: 'expires',
    value: ({ rule }) => rule.expire ?? null,
    show: ({ rule }) => ({ text: rule.expire === undefined ? '' : expiry(rule.expire) }),
  },
  { key: 'comment', value: ({ rule }) => rule.comment ?? null },
]

function expiry(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace(/\.\d+Z$/, 'Z')
}

function numberOf(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined
}

/** @throws UsageError for a rule that matches nothing, unless that is what is wanted */
function checkRules(rules: readonly FirewallRule[], force: boolean): void {
  const question = force ? undefined : rules.map(questionOf).find((one) => one !== undefined)
  if (question !== undefined)
    throw new UsageError(question, 'correct the host or, to have that rule all the same, say --force')
}

const forced = flag('also rules with hosts that cannot exist', { short: 'f' })

async function replaceRules(
  context: Context,
  dest: string,
  rules: readonly FirewallRule[],
  done: string,
): Promise<void> {
  await (await connect(context)).call(vmFirewallSet, { dest, payload: rules })
  if (context.output.isJson) context.output.json({ domain: dest, rules: rules.map(formatFirewallRule) })
  context.output.done(`${dest}: ${done}`)
}

function printRules({ output }: Context, rules: readonly string[]): void {
  if (output.isJson) output.json(rules)
  else for (const rule of rules) output.line(rule)
}

async function rulesOf(context: Context, dest: string): Promise<readonly FirewallRule[]> {
  return await (await connect(context)).call(vmFirewallGet, { dest })
}

const ls: Command = defineCommand({
  description: [
    'Lists the rules of a domain. The first rule that matches a packet decides about it; a packet that no rule matches is dropped.',
  ],
  examples: [
    ['cloister firewall ls work', 'as a table'],
    ['cloister firewall ls work --rules >rules.txt', 'for `cloister firewall set`'],
  ],
  arguments: { domain },
  options: { ...listOptions, rules: flag('print the rules in the form of `cloister firewall set`, one a line') },
  async run(context, { domain: dest }, { rules: asWritten, ...choices }) {
    const chosen = chooseColumns(columns, choices.columns)
    const rules = await rulesOf(context, dest)
    if (asWritten) {
      printRules(context, rules.map(formatFirewallRule))
      return
    }
    const numbered = rules.map((rule, at) => ({ number: at + 1, rule }))
    printList(context.output, chosen, numbered, choices)
  },
})

const add: Command = defineCommand({
  description: [
    'Adds a rule: accept or drop, then its conditions, all of which must hold. Conditions are dsthost=NAME-OR-ADDRESS, dst4=NETWORK, dst6=NETWORK, proto=tcp|udp|icmp, dstports=PORT or FIRST-LAST, icmptype=NUMBER, specialtarget=dns, expire=UNIX-SECONDS; comment=TEXT stands last.',
    'A new domain has one rule, which accepts everything. A rule after it has no effect: add rules before it (--before 1), or delete it.',
  ],
  examples: [
    ['cloister firewall add work accept dsthost=example.org proto=tcp dstports=443', 'at the end'],
    ['cloister firewall add work --before 1 drop dst4=10.0.0.0/8', 'the new rule is the first'],
  ],
  arguments: {
    domain,
    action: required('ACTION', 'accept or drop', ['accept', 'drop']),
    conditions: any('CONDITION', 'KEY=VALUE'),
  },
  options: {
    before: parsed('NO', 'before this rule; else at the end', numberOf, 'the number of a rule'),
    force: forced,
  },
  async run(context, { domain: dest, action, conditions }, { before, force }) {
    const rule = parseFirewallRule([`action=${action}`, ...conditions].join(' '))
    checkRules([rule], force)
    const rules = await rulesOf(context, dest)
    const at = before === undefined ? rules.length : before - 1
    if (at > rules.length)
      throw new UsageError(`there are ${rules.length} rules`, `see \`cloister firewall ls ${dest}\``)
    await replaceRules(context, dest, rules.toSpliced(at, 0, rule), `rule ${at + 1} added: ${formatFirewallRule(rule)}`)
  },
})

const remove: Command = defineCommand({
  description: ['Deletes a rule by its number. A domain without rules can send nothing.'],
  examples: [['cloister firewall remove work 2', 'the second rule; the numbers of later rules change']],
  arguments: { domain, number: required('NO', 'the number of the rule') },
  options: {},
  async run(context, { domain: dest, number: text }) {
    const number = numberOf(text)
    if (number === undefined) throw new UsageError(`NO is the number of a rule, not "${text}"`)
    const rules = await rulesOf(context, dest)
    const rule = rules[number - 1]
    if (rule === undefined) {
      throw new CliError(`${dest} has no rule ${number}`, exitStatus.notFound, `see \`cloister firewall ls ${dest}\``)
    }
    const left = rules.toSpliced(number - 1, 1)
    const warning = left.length === 0 ? '; no rule is left, so everything is dropped' : ''
    await replaceRules(context, dest, left, `rule ${number} deleted: ${formatFirewallRule(rule)}${warning}`)
  },
})

const set: Command = defineCommand({
  description: ['Replaces all rules by those of a file, one a line: action=accept or action=drop, then conditions.'],
  examples: [['cloister firewall set work rules.txt', 'or "-" for standard input']],
  arguments: { domain, file: optional('FILE', 'the rules, or "-" for standard input', 'file') },
  options: { reset: flag('set the one rule of a new domain, which accepts everything'), force: forced },
  async run(context, { domain: dest, file }, { reset, force }) {
    if (reset === (file !== undefined)) throw new UsageError('give a file or --reset, and not both')
    const bytes = file === undefined ? undefined : await readAllBytes(await openInput(file), firewallLimit)
    const text = bytes === undefined ? 'action=accept\n' : utf8Text(bytes)
    if (text === undefined) throw new UsageError(`${file} is not UTF-8`)
    const rules = parseFirewallRules(text)
    checkRules(rules, force)
    await replaceRules(context, dest, rules, `${rules.length} ${rules.length === 1 ? 'rule is' : 'rules are'} set`)
  },
})

const reload: Command = defineCommand({
  description: ['Applies the rules again, with the present addresses of the hosts that they name.'],
  examples: [['cloister firewall reload work', 'after the address of a host has changed']],
  arguments: { domain },
  options: {},
  async run(context, { domain: dest }) {
    await (await connect(context)).call(vmFirewallReload, { dest })
    if (context.output.isJson) context.output.json({ domain: dest })
    context.output.done(`the rules of ${dest} are applied again`)
  },
})

export const firewall: CommandGroup = {
  description: [
    'Shows and changes firewall rules, which say where a domain may send to. They are stored; this version does not enforce them yet.',
  ],
  examples: [],
  commands: [
    { name: 'ls', summary: 'list rules', command: ls },
    { name: 'add', summary: 'add a rule', command: add },
    { name: 'remove', summary: 'delete a rule', command: remove },
    { name: 'set', summary: 'replace all rules', command: set },
    { name: 'reload', summary: 'apply the rules again', command: reload },
  ],
}
