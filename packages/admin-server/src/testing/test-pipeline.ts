import { encodeRequestHeader, type QubesEvent, RequestReader } from '@cloister/admin-protocol'
import { type BaseVM, createDomain, Statistics } from '@cloister/core'
import { concatBytes, utf8, utf8Text } from '@cloister/kit'
import { MemorySystem } from '../../../core/src/testing/memory-system.ts'
import { allowEverything } from '../access.ts'
import { Audit } from '../audit.ts'
import { Consoles } from '../consoles.ts'
import { type EndpointRules, Pipeline } from '../pipeline.ts'
import { RunningCalls } from '../running-calls.ts'
import { WireErrors } from '../wire-error.ts'
import { KeptLog } from './test-endpoint.ts'

/** A call of a test; the admin domain calls itself unless said otherwise. */
export interface TestCall {
  readonly source?: string
  readonly destination?: string
  readonly payload?: string
  /** The data of a streamed call. */
  readonly data?: AsyncIterable<Uint8Array>
  readonly send?: (event: QubesEvent) => void
  readonly signal?: AbortSignal
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A domain that belongs to no template. */
export function standalone({ app }: MemorySystem, name: string): Promise<BaseVM> {
  return createDomain(app, 'StandaloneVM', { name, label: 'red', creator: app.adminVM })
}

/** A pipeline over a whole system in memory, called without a socket. */
export class TestPipeline implements AsyncDisposable {
  readonly system: MemorySystem
  readonly log: KeptLog = new KeptLog()
  readonly running: RunningCalls = new RunningCalls()
  readonly #pipeline: Pipeline

  private constructor(system: MemorySystem, rules: EndpointRules) {
    this.system = system
    const { app } = system
    const services = {
      app,
      consoles: new Consoles(app.os, this.log, '/run'),
      statistics: new Statistics(app),
      errors: new WireErrors(this.log, (count) => app.os.host.random(count), false),
      audit: new Audit(this.log, false),
      running: this.running,
    }
    this.#pipeline = new Pipeline(services, rules)
  }

  static async open(rules: Partial<EndpointRules> = {}): Promise<TestPipeline> {
    const all: EndpointRules = { calls: 'main', identity: 'trusted', access: allowEverything, ...rules }
    return new TestPipeline(await MemorySystem.open(), all)
  }

  /** The reply of a call `method+argument`, as text in which `|` stands for NUL; at once for calls that do not wait. */
  answer(call: string, { source = 'dom0', destination = 'dom0', payload = '', ...rest }: TestCall = {}) {
    const [method = '', argument = ''] = call.split('+', 2)
    const header = encodeRequestHeader({
      method,
      argument: utf8(argument),
      source: { name: source },
      destination: { name: destination },
    })
    const reader = new RequestReader()
    reader.push(concatBytes([header, utf8(payload)]))
    return this.#pipeline.answer(reader.finish(), {
      body: rest.data ?? nothing(),
      send: rest.send ?? (() => undefined),
      signal: rest.signal ?? new AbortController().signal,
    })
  }

  async ask(call: string, options: TestCall = {}): Promise<string> {
    return (utf8Text(await this.answer(call, options)) ?? '').replaceAll('\0', '|')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system[Symbol.asyncDispose]()
  }
}
