import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { CliError } from './cli-error.ts'
import { socketOf } from './connect.ts'
import { exitStatus } from './exit-status.ts'

const uid = 3_000_000_000 + process.pid
const folder = `/tmp/cloister-${uid}`
const systemRuns = existsSync('/run/cloister/qubesd.sock')
if (systemRuns) console.info('skipped: a daemon of the system runs, whose socket is found first')

afterEach(() => {
  vi.restoreAllMocks()
  return rm(folder, { recursive: true, force: true })
})

/** Looks for the socket as another user, who has no XDG_RUNTIME_DIR; the system's daemon does not run. */
function lookUp(): Promise<string> {
  vi.spyOn(process, 'getuid').mockReturnValue(uid)
  return socketOf({ options: { socket: undefined, json: false, color: 'never', quiet: false }, environment: {} })
}

it.skipIf(systemRuns)('a user without XDG_RUNTIME_DIR finds the socket in /tmp', async () => {
  expect(await lookUp()).toBe(`${folder}/cloister/qubesd.sock`)
})

it.skipIf(systemRuns)('a folder in /tmp that is not of this user alone is refused with the reason', async () => {
  await mkdir(folder)
  const error = await lookUp().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CliError)
  expect(error).toMatchObject({
    status: exitStatus.unreachable,
    message: `The socket of cloisterd is not looked for in ${folder}, because that folder does not belong to this user alone: set XDG_RUNTIME_DIR`,
    hint: 'or name the socket with --socket',
  })
})
