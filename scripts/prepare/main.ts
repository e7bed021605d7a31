import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { nodeOs } from '@cloister/os'
import { Apt } from './apt.ts'
import { distribution } from './distribution.ts'
import { GuestStep } from './guest.ts'
import { type Profile, ProgramsStep, profiles } from './programs.ts'
import { OnlyTheUserError, type Step, type Tools } from './step.ts'

/** Exit status when only the user can go on. */
const onlyTheUser = 3
const cache = fileURLToPath(new URL('../../.cache', import.meta.url))

process.exitCode = await main(process.argv[2])

async function main(profile: string | undefined): Promise<number> {
  if (!isProfile(profile)) {
    console.error(`usage: node scripts/prepare.mjs ${profiles.join('|')}`)
    return 2
  }
  const { processes } = nodeOs()
  const tools: Tools = { processes, apt: new Apt(processes), distribution: await distribution() }
  const steps = [new ProgramsStep(profile, tools), new GuestStep(cache, tools)]
  try {
    for (const step of steps) await prepare(step)
    console.log(styleText('green', '✓'), 'everything is ready')
    return 0
  } catch (error) {
    console.error(styleText('red', '✗'), error instanceof Error ? error.message : error)
    return error instanceof OnlyTheUserError ? onlyTheUser : 1
  }
}

async function prepare(step: Step): Promise<void> {
  if (await step.ready()) return
  const start = performance.now()
  console.log(styleText('yellow', '…'), step.name)
  await step.make((line) => console.log(styleText('dim', `  ${line}`)))
  if (!(await step.ready())) throw new Error(`${step.name}: still not right after it was prepared`)
  console.log(styleText('green', '✓'), `${step.name} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
}

function isProfile(text: string | undefined): text is Profile {
  return profiles.some((profile) => profile === text)
}
