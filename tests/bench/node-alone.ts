import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What Node alone takes to start on the machine for which the aims are set, ms. */
export const referenceNodeStart = 30

/** From the start of Node to the end of a program that does nothing, ms. */
export async function bareNodeStart(): Promise<number> {
  const start = performance.now()
  await once(spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }), 'exit')
  return performance.now() - start
}
