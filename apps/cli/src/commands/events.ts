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
  if (output.colour)
    output.paintedLine(`${paint('dim', time)} ${paint('bold', who)} ${paint('cyan', what)} ${said}`.trimEnd())
  else output.paintedLine(`${time} ${who} ${what} ${said}`.trimEnd())
}

function fields(pairs: QubesEvent['pairs']): { fields: Record<string, string> } {
  return { fields: Object.fromEntries(pairs) }
}

function parseCount(given: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined
}

export const events: Command = defineCommand({
  description: [
    'Prints events as they happen, one a line, until Ctrl-C: the time, the domain ("-" is the whole system), the name of the event, and its fields.',
    'The first event is connection-established: every event after it is printed. An event with -pre- in its name announces a change that may still be refused.',
  ],
  examples: [
    ['cloister events', 'all events'],
    ["cloister events 'property-*' --domain work", 'changes of the properties of work'],
    ['cloister events domain-start --count 2', 'wait until a domain has started'],
    [
      'cloister events --json | jq -r \'select(.event == "domain-shutdown").subject\'',
      'for programs: one JSON object a line',
    ],
  ],
  arguments: {
    pattern: optional('PATTERN', 'events of this name only; "*" at the end of the name stands for any text'),
  },
  options: {
    domain: text('DOMAIN', 'events of this domain only', { short: 'd', complete: 'domain' }),
    count: parsed(
      'NUMBER',
      'leave after this many events, connection-established among them',
      parseCount,
      'a number from 1',
      {
        short: 'n',
      },
    ),
  },
  async run(context, { pattern }, { domain, count }) {
    if (pattern !== undefined && !/^[^*]*\*?$/.test(pattern)) {
      throw new UsageError(`${pattern} is not a pattern`, '"*" may only be its last character')
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
