import { asciiText } from '@cloister/kit'
import type { Files, ProcessIdentity } from '@cloister/os'

/** The unit in which the kernel gives processor time to programs: a hundredth of a second. */
const nanosecondsPerTick = 10_000_000n
const largestStat = 4096

/** Processor time that a process and its threads have used, nanoseconds; 0 when it is gone. */
export async function readCpuTime({ pid }: ProcessIdentity, files: Files): Promise<bigint> {
  const text = await files.read(`/proc/${pid}/stat`, largestStat).then(asciiText, () => undefined)
  // Fields 14 and 15; the name, field 2, may hold anything and ends with the last parenthesis.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [fields?.[11], fields?.[12]]
  return user && system ? (BigInt(user) + BigInt(system)) * nanosecondsPerTick : 0n
}
