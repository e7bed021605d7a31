import { readFile } from 'node:fs/promises'

/** A reply as it was recorded. */
export interface RecordedReply {
  readonly type: 'ok' | 'exception' | 'empty'
  /** A template (see `template.ts`). */
  readonly content?: string
  readonly exception?: string
  /** Other exceptions that are accepted; `*` is any exception. */
  readonly also?: readonly string[]
}

export interface CallStep {
  readonly kind?: undefined
  readonly id: string
  readonly method?: string
  readonly arg?: string
  readonly src?: string
  readonly dest?: string
  readonly dest_type?: string
  readonly payload?: string
  readonly payload_b64?: string
  /** The bytes of the whole request, in place of its parts. */
  readonly raw?: string
  readonly raw_b64?: string
  readonly socket?: 'internal'
  readonly reply: RecordedReply
  readonly compare: 'exact' | 'lines-unordered' | 'fields' | 'type-only' | 'ignore'
}

export interface RecordedEvent {
  readonly subject: string
  readonly event: string
  readonly args: Readonly<Record<string, string>>
  /** Keys that the event must have, with any value. */
  readonly args_any?: readonly string[]
}

export interface EventsStep {
  readonly kind: 'events'
  readonly id: string
  readonly method: string
  readonly src?: string
  readonly dest: string
  readonly dest_type?: string
  readonly calls: readonly CallStep[]
  readonly expect: readonly RecordedEvent[]
  readonly order: 'exact' | 'subsequence' | 'unordered'
  /** Names of events that are ignored; `*` stands for any text. */
  readonly ignore: readonly string[]
}

export type Step = CallStep | EventsStep

/** Reads a transcript, which has one step in a line. */
export async function readTranscript(path: string): Promise<Step[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Step)
}
