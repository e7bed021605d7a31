import { readFile } from 'node:fs/promises'

/** A reply as it was recorded. */
export interface RecordedReply {
  readonly type: 'ok' | 'exception' | 'empty'
  /** A template (see `template.ts`). */
  readonly content?: string
  readonly exception?: string
  /** Further exceptions that are as good; `*` is any. */
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
  /** The whole request instead. */
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
  /** Pairs that must be there with any value. */
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
  /** Names of events that are left out first; `*` stands for anything. */
  readonly ignore: readonly string[]
}

export type Step = CallStep | EventsStep

/** Reads a transcript: one step a line. */
export async function readTranscript(path: string): Promise<Step[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Step)
}
