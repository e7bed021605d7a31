import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { nodeOs } from '@cloister/os'

/** Calls that wait for the disk. */
const calls = ['fsync', 'fdatasync', 'sync_file_range', 'syncfs'] as const
/** The beginning of a call in the output of strace; the end of the call can be on a later line. */
const begin = new RegExp(`\\b(${calls.join('|')})\\(`, 'g')

/**
 * Counts how often a process waits for the disk while `work` runs, with strace, whose output goes to `file`.
 * @throws Error when the process cannot be traced
 */
export async function countSyncs(pid: number, file: string, work: () => Promise<void>): Promise<number> {
  const strace = await nodeOs().processes.find('strace')
  if (strace === undefined) throw new Error('strace is not installed')
  const args = ['-f', '-e', `trace=${calls.join(',')}`, '-o', file, '-p', String(pid)]
  const child = spawn(strace, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  try {
    await attached(child.stderr)
    await work()
  } finally {
    child.kill('SIGINT')
    await ended
  }
  return (await readFile(file, 'latin1')).match(begin)?.length ?? 0
}

/** The message of strace when it traces the process. */
async function attached(stderr: NodeJS.ReadableStream): Promise<void> {
  const said: string[] = []
  for await (const line of createInterface(stderr)) {
    if (line.includes('attached')) return
    said.push(line)
  }
  throw new Error(`strace cannot trace the daemon: ${said.join('; ')}`)
}
