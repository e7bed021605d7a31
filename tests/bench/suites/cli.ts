import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { atMost, type Limit } from '../aims.ts'
import { bareNodeStart, referenceNodeStart } from '../node-alone.ts'
import { median } from '../statistics.ts'
import type { Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'

const program = fileURLToPath(new URL('../../../bin/cloister', import.meta.url))

/** The time of a command on the command line. */
export const cli: ScaledSuite = { name: 'cli', measure }

async function measure(subject: Subject, { report, effort }: Bench): Promise<void> {
  const [ours, nodes]: [number[], number[]] = [[], []]
  // After a change of the sources the first run compiles them.
  await list(subject)
  for (let round = 0; round < 3 * effort.rounds; round++) {
    nodes.push(await bareNodeStart())
    ours.push(await list(subject))
  }
  const limit: Limit = { name: 'node', value: median(nodes), reference: referenceNodeStart }
  const { domains } = subject
  const aim = domains <= 1000 ? atMost(150) : undefined
  report.add({ suite: 'cli', name: 'cloister ls', domains, value: median(ours), unit: 'ms', limit, aim })
}

/** Lists all domains; resolves with the time of the command, ms. @throws Error when a domain is missing */
async function list({ socket, domains }: Subject): Promise<number> {
  const start = performance.now()
  const child = spawn(program, ['ls', '--quiet', '--socket', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
  const time = performance.now() - start
  const lines = output.split('\n').filter((line) => line.includes('AppVM')).length
  if (lines !== domains) throw new Error(`cloister ls showed ${lines} app domains, not ${domains}`)
  return time
}
