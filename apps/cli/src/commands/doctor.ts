import { visibleText } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { ReportedError } from '../cli-error.ts'
import { type Colour, paint } from '../colour.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect, socketOf } from '../connect.ts'
import type { Context } from '../context.ts'
import { daemonChecks } from '../doctor/daemon-checks.ts'
import type { Check, Finding, Level, Patient } from '../doctor/finding.ts'
import { hostChecks } from '../doctor/host-checks.ts'
import { problemChecks } from '../doctor/problem-checks.ts'
import { storageChecks } from '../doctor/storage-checks.ts'
import { exitStatus } from '../exit-status.ts'
import { failureOf, isDenied } from '../failure.ts'
import { Spinner } from '../spinner.ts'

const marks: Readonly<Record<Level, readonly [mark: string, colour: Colour]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failure: ['✗', 'red'],
}

const checks: readonly Check[] = [...hostChecks, ...daemonChecks, ...storageChecks, ...problemChecks]
const nameWidth = Math.max(...checks.map(({ name }) => name.length))

async function examine(check: Check, patient: Patient): Promise<Finding[]> {
  try {
    return (await check.look(patient)).map((finding) => ({ check: check.name, ...finding }))
  } catch (error) {
    const { message, ...failure } = failureOf(error)
    // The check "user" has told a user without rights what to do.
    const hint = isDenied(error) ? 'see "user", above' : failure.hint
    return [{ check: check.name, level: 'failure', detail: message, ...(hint !== undefined && { hint }) }]
  }
}

async function examineAll(patient: Patient): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const check of checks) {
    const daemonAnswers = !findings.some(({ check: name, level }) => name === 'daemon' && level === 'failure')
    if (daemonAnswers || !check.needsDaemon) findings.push(...(await examine(check, patient)))
  }
  return findings
}

function print({ output }: Context, { check, level, detail, hint }: Finding): void {
  const [mark, colour] = marks[level]
  const shown = output.colour ? paint(colour, mark) : mark
  output.paintedLine(`${shown} ${check.padEnd(nameWidth)}  ${visibleText(detail)}`)
  if (hint !== undefined) output.paintedLine(`  ${' '.repeat(nameWidth)}  → ${visibleText(hint)}`)
}

export const doctor: Command = defineCommand({
  description: [
    'Checks what Cloister needs: programs, KVM, control groups, the daemon and its sockets, kernels, pools. It also shows what the daemon knows to be wrong: stored values that cannot be read, pools out of reach, kernels that cannot be used, domains that a fault has paused, images that were moved aside. For each problem it prints what to do.',
    'The checks run with the rights of the user who runs the command, and change nothing. The exit status is 1 when a check is marked ✗, which means that Cloister does not work; otherwise 0.',
  ],
  examples: [
    ['cloister doctor', '✓ is as it should be, ! is a disadvantage, ✗ keeps Cloister from working'],
    ['cloister doctor --json | jq \'.[] | select(.level != "ok")\'', 'for monitoring'],
  ],
  arguments: {},
  options: {},
  async run(context) {
    const { output } = context
    const [socket, client] = [await socketOf(context), await connect(context)]
    let findings: Finding[]
    {
      using _ = new Spinner(output, 'checking')
      findings = await examineAll({ os: nodeOs(), socket, client })
    }
    if (output.isJson) output.json(findings.map((finding) => ({ ...finding, hint: finding.hint ?? null })))
    else for (const finding of findings) print(context, finding)
    if (findings.some(({ level }) => level === 'failure')) throw new ReportedError(exitStatus.failure)
  },
})
