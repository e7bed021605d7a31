import type { QubesEvent } from '@cloister/admin-protocol'
import { visibleText } from '@cloister/kit'
import { optional } from '../argument.ts'
import { UsageError } from '../cli-error.ts'
import { paint } from '../colour.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { parsed, text } from '../option.ts'
import type { Output } from '../output.ts'

/** Width of the column of domains: enough for most names, so that what follows lines up. */
const subjectWidth = 12

function timeOf(now: Date): string {
  const two = (value: number, digits = 2): string => String(value).padStart(digits, '0')
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${two(now.getMilliseconds(), 3)}`
}

function quoted(value: string): string {
  const shown = visibleText(value)
  return /^[^\s"=]+$/.test(shown) ? shown : `"${shown.replaceAll('"', '\\"')}"`
}

function print(output: Output, { subject, name, pairs }: QubesEvent, now: Date): void {
  if (output.isJson) {
    output.jsonLine({
      time: now.toISOString(),
      subject: subject === '' ? null : subject,
      event: name,
      ...fields(pairs),
    })
    return
  }
  const [time, who, what] = [timeOf(now), (visibleText(subject) || '-').padEnd(subjectWidth), visibleText(name)]
  const said = pairs.map(([key, value]) => `${visibleText(key)}=${quoted(value)}`).join(' ')
  if (output.colour) output.line(`${paint('dim', time)} ${paint('bold', who)} ${paint('cyan', what)} ${said}`.trimEnd())
  else output.line(`${time} ${who} ${what} ${said}`.trimEnd())
}

function fields(pairs: QubesEvent['pairs']): { fields: Record<string, string> } {
  return { fields: Object.fromEntries(pairs) }
}

function parseCount(given: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined
}

export const events: Command = defineCommand({
  description: [
    'Shows what happens, one line an event, until Ctrl-C: the time, the domain ("-" is the whole system), the event, and what there is to say about it.',
    'The first event is connection-established: what happens from then on is not missed. An event that begins with domain-pre-, or another -pre-, announces what may still be refused.',
  ],
  examples: [
    ['cloister events', 'everything'],
    ["cloister events 'property-*' --domain work", 'changes of properties of work'],
    ['cloister events domain-start --count 2', 'wait until something has started'],
    [
      'cloister events --json | jq -r \'select(.event == "domain-shutdown").subject\'',
      'for programs: one JSON object a line',
    ],
  ],
  arguments: {
    pattern: optional('PATTERN', 'events of this name only; a "*" at its end stands for any ending'),
  },
  options: {
    domain: text('DOMAIN', 'of one domain only', { short: 'd', complete: 'domain' }),
    count: parsed('NUMBER', 'leave after so many, connection-established among them', parseCount, 'a number from 1', {
      short: 'n',
    }),
  },
  async run(context, { pattern }, { domain, count }) {
    if (pattern !== undefined && !/^[^*]*\*?$/.test(pattern)) {
      throw new UsageError(`${pattern} is not a pattern`, '"*" may stand at its end only')
    }
    const client = await connect(context)
    const narrowed = {
      ...(pattern !== undefined && { pattern }),
      ...(domain !== undefined && { dest: domain }),
      signal: context.signal,
    }
    let seen = 0
    for await (const event of client.events(narrowed)) {
      print(context.output, event, new Date())
      seen += 1
      if (seen === count) return
    }
  },
})
