import { concatBytes, utf8 } from '@cloister/kit'
import { eventsProblem, replyProblem } from './compare.ts'
import { Memory } from './template.ts'
import type { CallStep, EventsStep, Step } from './transcript.ts'
import { EventStream, exchange } from './wire.ts'

/** The sockets of the daemon to which a transcript is replayed. */
export interface Sockets {
  readonly main: string
  readonly internal: string
}

/** A step, and how its result differs from the recorded one, if it does. */
export interface Outcome {
  readonly id: string
  readonly problem: string | undefined
}

/** A feature that no domain has: a call that removes it sends an event and changes nothing, which makes it a marker. */
const marker = 'conformance-marker'

/** Replays a transcript to a daemon with an empty state. */
export async function replay(steps: readonly Step[], sockets: Sockets): Promise<Outcome[]> {
  const memory = new Memory()
  const outcomes: Outcome[] = []
  for (const step of steps) {
    if (step.kind === 'events') outcomes.push(...(await playEvents(step, sockets, memory)))
    else outcomes.push(await playCall(step, sockets, memory))
  }
  return outcomes
}

async function playCall(step: CallStep, sockets: Sockets, memory: Memory): Promise<Outcome> {
  try {
    const path = step.socket === 'internal' ? sockets.internal : sockets.main
    const problem = replyProblem(step, await exchange(path, requestOf(step, memory)), memory)
    return { id: step.id, problem: problem && `${title(step)}: ${problem}` }
  } catch (error) {
    return { id: step.id, problem: `${title(step)}: ${String(error)}` }
  }
}

function title({ method, arg, dest }: Pick<CallStep, 'method' | 'arg' | 'dest'>): string {
  return `${method ?? 'raw request'}${arg ? `+${arg}` : ''} to ${dest ?? 'dom0'}`
}

function requestOf(step: CallStep, memory: Memory): Uint8Array {
  if (step.raw_b64 !== undefined) return Buffer.from(step.raw_b64, 'base64')
  if (step.raw !== undefined) return utf8(memory.fill(step.raw))
  const payload =
    step.payload_b64 === undefined ? utf8(memory.fill(step.payload ?? '')) : Buffer.from(step.payload_b64, 'base64')
  return concatBytes([header(step, memory), payload])
}

function header(step: Pick<CallStep, 'method' | 'arg' | 'src' | 'dest' | 'dest_type'>, memory: Memory): Uint8Array {
  const { method = '', arg = '', src = 'dom0', dest = 'dom0', dest_type = 'name' } = step
  return utf8(`${method}+${memory.fill(arg)} ${memory.fill(src)} ${dest_type} ${memory.fill(dest)}\0`)
}

async function playEvents(step: EventsStep, sockets: Sockets, memory: Memory): Promise<Outcome[]> {
  const stream = new EventStream(sockets.main, header(step, memory))
  try {
    await stream.until(() => stream.events.length > 0)
    const outcomes: Outcome[] = []
    for (const call of step.calls) outcomes.push(await playCall(call, sockets, memory))
    // Expected events may arrive late; an unexpected one is known only when all events before a marker have arrived.
    await stream.until(
      () => eventsProblem({ ...step, order: loosest(step) }, stream.events, memory.copy()) === undefined,
    )
    const seen = stream.events.slice(0, await markedEnd(step, stream, sockets, memory))
    return [...outcomes, { id: step.id, problem: eventsProblem(step, seen, memory) }]
  } finally {
    stream.close()
  }
}

function loosest({ order }: EventsStep): EventsStep['order'] {
  return order === 'exact' ? 'unordered' : order
}

/** The number of events before the marker; the number of all events when the domain of the stream was removed. */
async function markedEnd(step: EventsStep, stream: EventStream, sockets: Sockets, memory: Memory): Promise<number> {
  const request = header({ method: 'admin.vm.feature.Remove', arg: marker, dest: step.dest }, memory)
  const reply = await exchange(sockets.main, request)
  const gone = reply.kind === 'exception' && reply.exception.type === 'QubesVMNotFoundError'
  const isMarker = ({ name }: { readonly name: string }): boolean => name.endsWith(`:${marker}`)
  if (gone || step.method !== 'admin.Events') return stream.events.length
  await stream.until(() => stream.events.some(isMarker))
  return stream.events.findIndex(isMarker)
}
