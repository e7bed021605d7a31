import { type FuzzedParser, isTyped } from './fuzzed-parser.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'

/** Something that a parser must not do with an input. */
export interface Finding {
  readonly parser: string
  readonly what: string
  readonly input: Uint8Array
}

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  /** The parser is given up after so many findings. */
  readonly most?: number
}

/** How often the seeds are parsed before times are taken. */
const warmUp = 200
/** An input may take so many times the median of the seeds, for each of their lengths that it is long. */
const slowness = 50
/** What is shorter is not looked at, ms: a machine that does other things as well makes any input slow. */
const shortestTime = 10
/** An input counts as slow when it is slow each time, also when its code has been compiled. */
const retries = 25
/** Bytes that the parsing of one input may allocate, and that may be in use at any time. */
const memory = { oneInput: 64 << 20, all: 1 << 30 } as const
/** Memory is looked at for one input in so many. */
const memoryLooks = 256

/** Feeds a parser with its seeds and with inputs made from them. */
export async function fuzz(parser: FuzzedParser, { inputs, seed, most = 3 }: FuzzOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const random = new Random(seed)
  const limit = await timeLimit(parser)
  for (let count = 0; count < inputs && findings.length < most; count++) {
    const input = mutate(parser.seeds, random)
    const what = await judge(parser, input, limit, count % memoryLooks === 0)
    if (what !== undefined) findings.push({ parser: parser.name, what, input })
  }
  return findings
}

/** What is wrong with how an input is parsed, if anything is. */
async function judge(
  parser: FuzzedParser,
  input: Uint8Array,
  limit: (bytes: number) => number,
  withMemory: boolean,
): Promise<string | undefined> {
  const before = withMemory ? inUse() : 0
  const { ms, error } = await timed(parser, input)
  if (error !== undefined && !isTyped(parser, error)) return `throws ${describe(error)}`
  if (ms > limit(input.length)) {
    let least = ms
    for (let left = retries; left > 0 && least > limit(input.length); left--)
      least = Math.min(least, (await timed(parser, input)).ms)
    if (least > limit(input.length))
      return `takes ${least.toFixed(1)} ms for ${input.length} bytes, and may take ${limit(input.length).toFixed(1)} ms`
  }
  if (!withMemory) return undefined
  const after = inUse()
  if (after - before > memory.oneInput) return `allocates ${after - before} bytes for ${input.length} bytes`
  return after > memory.all ? `leaves ${after} bytes in use` : undefined
}

interface Timed {
  readonly ms: number
  readonly error: unknown
}

async function timed({ parse }: FuzzedParser, input: Uint8Array): Promise<Timed> {
  const start = performance.now()
  try {
    const result = parse(input)
    if (result instanceof Promise) await result
    return { ms: performance.now() - start, error: undefined }
  } catch (error) {
    return { ms: performance.now() - start, error: error ?? 'undefined' }
  }
}

/** The longest time that an input of a length may take, by what the seeds take. */
async function timeLimit(parser: FuzzedParser): Promise<(bytes: number) => number> {
  const times: number[] = []
  while (times.length < warmUp) {
    for (const seed of parser.seeds) times.push((await timed(parser, seed)).ms)
  }
  const time = median(times.slice(-Math.max(parser.seeds.length, warmUp / 2)))
  const length = Math.max(16, median(parser.seeds.map((seed) => seed.length)))
  return (bytes) => Math.max(shortestTime, slowness * time * (1 + bytes / length))
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0
}

function inUse(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : `what is no Error: ${String(error)}`
}
