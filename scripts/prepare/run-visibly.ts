import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Command } from '@cloister/os'
import type { Report } from './step.ts'

/** Runs a program that may take minutes, and reports each line it prints. @throws Error when it fails */
export async function runVisibly([program, ...args]: Command, report: Report, cwd = '/'): Promise<void> {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', report)
  const status = await new Promise<string>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`Cannot run ${program}`, { cause })))
    child.on('close', (code, signal) => resolve(code === null ? `was ended by ${signal}` : `ended with status ${code}`))
  })
  if (status !== 'ended with status 0') throw new Error(`${program} ${args[0] ?? ''} ${status}; see above`)
}
