import type { Reply } from '@cloister/admin-protocol'
import { utf8Text } from '@cloister/kit'
import type { Memory } from './template.ts'
import type { CallStep, EventsStep, RecordedEvent } from './transcript.ts'

/** An event as it arrived. */
export interface SeenEvent {
  readonly subject: string
  readonly name: string
  readonly pairs: ReadonlyMap<string, string>
}

function show(reply: Reply): string {
  if (reply.kind === 'ok') return `ok ${JSON.stringify(utf8Text(reply.content) ?? '(not UTF-8)')}`
  return reply.kind === 'exception' ? reply.exception.type : 'nothing'
}

/** How a reply differs from the recorded one; undefined when it does not. */
export function replyProblem({ reply: want, compare }: CallStep, got: Reply, memory: Memory): string | undefined {
  if (compare === 'ignore') return undefined
  const type = got.kind === 'exception' ? got.exception.type : undefined
  if (type !== undefined && want.type !== 'ok' && want.also?.some((other) => other === '*' || other === type))
    return undefined
  const wanted = want.type === 'exception' ? want.exception : want.type
  if ((type ?? got.kind) !== wanted) return `wanted ${wanted}, got ${show(got)}`
  if (got.kind !== 'ok' || compare === 'type-only') return undefined
  return contentProblem(want.content ?? '', utf8Text(got.content) ?? '', compare, memory)
}

function contentProblem(
  template: string,
  text: string,
  compare: CallStep['compare'],
  memory: Memory,
): string | undefined {
  if (compare === 'exact')
    return memory.matches(template, text)
      ? undefined
      : `wanted ${JSON.stringify(template)}, got ${JSON.stringify(text)}`
  const rest = pieces(text)
  for (const wanted of pieces(template)) {
    const at = rest.findIndex((piece) => memory.matches(wanted, piece))
    if (at < 0) return `${JSON.stringify(wanted)} is missing in ${JSON.stringify(text)}`
    rest.splice(at, 1)
  }
  return compare === 'fields' || rest.length === 0 ? undefined : `${JSON.stringify(rest[0])} was not expected`
}

/** The lines of a text; for a text of one line without a line feed, its words. */
function pieces(text: string): string[] {
  return text.split(text.includes('\n') ? '\n' : ' ').filter((piece) => piece !== '')
}

/** How the events of a stream differ from the recorded ones; undefined when they do not. */
export function eventsProblem(
  { expect, order, ignore }: EventsStep,
  seen: readonly SeenEvent[],
  memory: Memory,
): string | undefined {
  const events = seen.filter(
    ({ name }) => name !== 'connection-established' && !ignore.some((pattern) => glob(pattern).test(name)),
  )
  return checks[order](expect, events, memory)
}

type Check = (expect: readonly RecordedEvent[], events: readonly SeenEvent[], memory: Memory) => string | undefined

const checks: Readonly<Record<EventsStep['order'], Check>> = {
  exact: (expect, events, memory) => {
    const wrong = events.findIndex((event, index) => !isAsRecorded(expect[index], event, memory))
    if (wrong >= 0) return `event ${wrong + 1} was not expected: ${showEvent(events[wrong])}`
    return events.length < expect.length ? `missing: ${JSON.stringify(expect[events.length])}` : undefined
  },
  subsequence: (expect, events, memory) => {
    let from = 0
    for (const wanted of expect) {
      while (from < events.length && !isAsRecorded(wanted, events[from], memory)) from++
      if (from++ >= events.length) return `missing: ${JSON.stringify(wanted)}`
    }
    return undefined
  },
  unordered: (expect, events, memory) => {
    const rest = [...events]
    for (const wanted of expect) {
      const at = rest.findIndex((event) => isAsRecorded(wanted, event, memory))
      if (at < 0) return `missing: ${JSON.stringify(wanted)}`
      rest.splice(at, 1)
    }
    return undefined
  },
}

function isAsRecorded(wanted: RecordedEvent | undefined, event: SeenEvent | undefined, memory: Memory): boolean {
  if (!wanted || !event) return false
  const trial = memory.copy()
  const same =
    trial.matches(wanted.subject, event.subject) &&
    trial.matches(wanted.event, event.name) &&
    Object.entries(wanted.args).every(([key, value]) => trial.matches(value, event.pairs.get(key) ?? '\0')) &&
    (wanted.args_any ?? []).every((key) => event.pairs.has(key))
  if (same) memory.take(trial)
  return same
}

function glob(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

function showEvent(event: SeenEvent | undefined): string {
  return event ? `${event.subject || '-'} ${event.name} ${JSON.stringify(Object.fromEntries(event.pairs))}` : 'none'
}
