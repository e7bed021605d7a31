import { adviceFor } from '../problem-advice.ts'
import type { Check, Finding, Patient } from './finding.ts'

type Found = Promise<readonly Omit<Finding, 'check'>[]>

async function problems({ client }: Patient): Found {
  const found = await client.problems()
  // The daemon of Qubes and older releases cannot be asked.
  if (found === undefined) return []
  if (found.length === 0) return [{ level: 'ok', detail: 'cloisterd reports nothing to mend' }]
  return found.map((problem) => {
    const { level, todo } = adviceFor(problem)
    const subject = problem.name === '' ? `the ${problem.kind}` : `${problem.kind} ${problem.name}`
    return { level, detail: `${subject} ${problem.reason}`, hint: todo }
  })
}

/** What the daemon itself knows to be wrong. */
export const problemChecks: readonly Check[] = [{ name: 'problems', needsDaemon: true, look: problems }]
