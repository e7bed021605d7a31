import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The start time of Node alone on the machine for which the aims are set, ms. */
export const referenceNodeStart = 30

/** The time of Node for a program that does nothing, from start to end, ms. */
export async function bareNodeStart(): Promise<number> {
  const start = performance.now()
  await once(spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }), 'exit')
  return performance.now() - start
}
