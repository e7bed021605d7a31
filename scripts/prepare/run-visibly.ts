import { spawn } from 'node:child_process'
import type { Command } from '@cloister/os'

/** Runs a program that may take minutes, and shows its output. @throws Error when it fails */
export async function runVisibly([program, ...args]: Command, cwd = '/'): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  const status = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`Cannot run ${program}: ${cause.message}`, { cause })))
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} failed (${status}); see above`)
}
