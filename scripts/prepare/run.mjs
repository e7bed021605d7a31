import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Exit status when the user must do something first; the output says what. */
export const onlyTheUser = 3

/**
 * Runs a program in the checkout, with the input and output of this process; returns its exit status.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} env
 * @returns {number}
 */
export function run(program, args, env = {}) {
  const { error, status, signal } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (error) {
    const why = 'code' in error && error.code === 'ENOENT' ? 'it is not installed' : error.message
    console.error(`✗ Cannot run ${program}: ${why}`)
    return 1
  }
  if (signal) process.kill(process.pid, signal)
  return status ?? 1
}
