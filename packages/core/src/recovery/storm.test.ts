import { expect, it } from 'vitest'
import { Storm } from '../testing/storm/storm.ts'

/** Calls in all; `npm run crash` asks for more. */
const wanted = Number(process.env['CLOISTER_STORM_OPERATIONS'] ?? 20_000)
/** Calls on one system before the next one begins. */
const perSystem = 400
const firstSeed = Number(process.env['CLOISTER_STORM_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

it(
  `concurrent calls, failures and deaths of the daemon leave a sound system (seed ${firstSeed})`,
  async () => {
    let operations = 0
    const outcomes = new Map<string, number>()
    for (let seed = firstSeed; operations < wanted; seed++) {
      const storm = await Storm.begin(seed)
      try {
        while (storm.operations < perSystem && operations + storm.operations < wanted) await storm.burst()
      } catch (cause) {
        throw new Error(`with the seed ${seed}, after ${storm.operations} calls`, { cause })
      }
      operations += storm.operations
      for (const [outcome, count] of storm.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count)
      await storm.end()
    }
    console.log(
      `${operations} calls; ${[...outcomes]
        .sort()
        .map((pair) => pair.join(' '))
        .join(', ')}`,
    )
    // Most acts must also succeed, or the storm would only test refusals.
    for (const act of ['create', 'clone', 'remove', 'start', 'kill', 'template', 'netvm', 'disposable', 'importing'])
      expect(outcomes.get(`${act}: done`) ?? 0, act).toBeGreaterThan(0)
  },
  24 * 3600_000,
)
