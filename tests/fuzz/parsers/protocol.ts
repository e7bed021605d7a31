import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  callNames,
  type Dialect,
  EventReader,
  encodeRequestHeader,
  findCall,
  isIPv4,
  isIPv6,
  parseDomainReference,
  parseReply,
  parseRequestHeader,
  ReplyReader,
  RequestReader,
  takeFirstLine,
} from '@cloister/admin-protocol'
import { utf8 } from '@cloister/kit'
import { type CallStep, readTranscript } from '../../conformance/transcript.ts'
import { type FuzzedParser, inPieces, textParser } from '../fuzzed-parser.ts'

const transcripts = join(import.meta.dirname, '../../conformance/admin-api')

interface Samples {
  readonly argument: Uint8Array[]
  readonly payload: Uint8Array[]
  readonly reply: Uint8Array[]
}

/** Arguments, payloads and replies of recorded calls, by the name of the call. */
async function recordedSamples(): Promise<ReadonlyMap<string, Samples>> {
  const samples = new Map<string, Samples>()
  for (const name of await readdir(transcripts)) {
    const steps = await readTranscript(join(transcripts, name))
    for (const step of steps) if (step.kind === undefined) addSample(samples, step)
  }
  return samples
}

function addSample(samples: Map<string, Samples>, { method, arg = '', payload = '', reply }: CallStep): void {
  if (method === undefined) return
  const of = samples.get(method) ?? { argument: [], payload: [], reply: [] }
  samples.set(method, of)
  of.argument.push(utf8(arg))
  of.payload.push(utf8(payload))
  if (reply.type === 'ok') of.reply.push(utf8(reply.content ?? ''))
}

/** What is tried where no call was recorded. */
const anySeeds = ['name', 'a=b c=d', 'True', '1024', 'dom0\n'].map(utf8)

/** The codecs of all calls in all their dialects; those that several calls share are tried once. */
async function codecParsers(): Promise<FuzzedParser[]> {
  const samples = await recordedSamples()
  const byCodec = new Map<unknown, { name: string; decode: (input: Uint8Array) => unknown; seeds: Uint8Array[] }>()
  for (const name of callNames) {
    const call = findCall(name)
    if (call === undefined) throw new Error(`the call ${name} is not found`)
    for (const part of ['argument', 'payload', 'reply'] as const satisfies readonly (keyof Dialect<0, 0, 0>)[]) {
      const codec = call.dialect[part]
      const known = byCodec.get(codec) ?? {
        name: `${part} of ${name}`,
        decode: (input: Uint8Array) => codec.decode(input),
        seeds: [],
      }
      byCodec.set(codec, known)
      known.seeds.push(...(samples.get(name)?.[part] ?? []))
    }
  }
  return [...byCodec.values()].map(({ name, decode, seeds }) => ({
    name,
    parse: decode,
    seeds: [...seeds, ...anySeeds],
  }))
}

const header = encodeRequestHeader({
  method: 'admin.vm.property.Set',
  argument: utf8('memory'),
  source: { name: 'dom0' },
  destination: { name: 'work' },
})
const event = utf8('1\0work\0property-set:memory\0name\0memory\0newvalue\x00500\0\0')
const exception = utf8('2\0QubesValueError\0\0Invalid %s\0value\0')

const framing: readonly FuzzedParser[] = [
  { name: 'request header', seeds: [header.subarray(0, -1)], parse: parseRequestHeader },
  {
    name: 'request, in pieces',
    seeds: [header, Buffer.concat([header, Buffer.from('500')])],
    parse(input) {
      const reader = new RequestReader()
      for (const piece of inPieces(input)) reader.push(piece)
      return reader.finish()
    },
  },
  {
    name: 'first line of a stream',
    seeds: [Buffer.from('1048576\ndata'), Buffer.from('\n')],
    parse: async (input) => {
      async function* pieces(): AsyncGenerator<Uint8Array> {
        yield* inPieces(input)
      }
      for await (const _ of (await takeFirstLine(pieces())).rest);
    },
  },
  { name: 'reply', seeds: [utf8('0\0content'), exception, new Uint8Array()], parse: parseReply },
  {
    name: 'reply, in pieces',
    seeds: [utf8('0\0content'), exception],
    parse(input) {
      const reader = new ReplyReader()
      for (const piece of inPieces(input)) reader.push(piece)
      return reader.finish()
    },
  },
  {
    name: 'events, in pieces',
    seeds: [event, Buffer.concat([event, event]), exception],
    parse(input) {
      const reader = new EventReader()
      for (const piece of inPieces(input)) reader.push(piece)
      return reader.finish()
    },
  },
  textParser('reference to a domain', ['work', 'uuid:6695eb01-f6a4-8304-79aa-97f2502e193f'], parseDomainReference),
  textParser('name of a call', ['admin.vm.List', 'cloister.vm.CreateTemplate.raw'], findCall),
  textParser('IPv4 address', ['10.137.0.5', '10.0.0.0/8'], isIPv4),
  textParser('IPv6 address', ['fd09:24ef:4179::a89:1', '::1/64'], isIPv6),
]

export const protocolParsers: readonly FuzzedParser[] = [...framing, ...(await codecParsers())]
