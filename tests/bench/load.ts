import { median, quantile } from './statistics.ts'

/** Calls of one kind. Each client makes its next call as soon as it has the reply to the last one. */
export interface Load {
  readonly name: string
  readonly clients: number
  /** One call; `number` counts all calls ever made of the load, from 0. Must throw when the reply is not a success. */
  readonly call: (number: number, client: number) => Promise<void>
  /** The number of calls in a round; undefined for a round of a fixed time. */
  readonly calls?: number
}

/** The result of a load: for median, 99th percentile and rate of a round, the median over the rounds. */
export interface Sample {
  readonly calls: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly perSecond: number
}

/** The length of a measurement. */
export interface Effort {
  readonly rounds: number
  /** Length of a round of one load. */
  readonly seconds: number
}

interface Round {
  readonly latenciesMs: readonly number[]
  readonly seconds: number
}

/** Part of a round that a load without a number of calls runs before the first round, without being measured. */
const warmUpPart = 0.25

/**
 * Measures loads in turns, round after round, so that changes in the speed of the machine affect all of them alike. The samples
 * are in the order of the loads.
 */
export async function measureInTurns(loads: readonly Load[], { rounds, seconds }: Effort): Promise<Sample[]> {
  const running = loads.map((load) => ({ load, next: 0, rounds: [] as Round[] }))
  for (const one of running) if (one.load.calls === undefined) await round(one, seconds * warmUpPart)
  for (let done = 0; done < rounds; done++) {
    for (const one of running) one.rounds.push(await round(one, seconds))
  }
  return running.map((one) => sampleOf(one.rounds))
}

async function round(state: { readonly load: Load; next: number }, seconds: number): Promise<Round> {
  const { load } = state
  const latenciesMs: number[] = []
  const start = performance.now()
  const lastTime = load.calls === undefined ? start + seconds * 1000 : Number.POSITIVE_INFINITY
  const lastNumber = load.calls === undefined ? Number.POSITIVE_INFINITY : state.next + load.calls
  const client = async (index: number): Promise<void> => {
    while (state.next < lastNumber && performance.now() < lastTime) {
      const called = performance.now()
      await load.call(state.next++, index)
      latenciesMs.push(performance.now() - called)
    }
  }
  await Promise.all(Array.from({ length: load.clients }, (_, index) => client(index)))
  return { latenciesMs, seconds: (performance.now() - start) / 1000 }
}

function sampleOf(rounds: readonly Round[]): Sample {
  return {
    calls: rounds.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0),
    p50Ms: median(rounds.map(({ latenciesMs }) => median(latenciesMs))),
    p99Ms: median(rounds.map(({ latenciesMs }) => quantile(latenciesMs, 0.99))),
    perSecond: median(rounds.map(({ latenciesMs, seconds }) => latenciesMs.length / seconds)),
  }
}
