import { msg, QubesMemoryError } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { mib } from './balance.ts'

/** Memory that is never given to guests: at least `least` KiB and this share of the host's memory (reference: storage-and-lifecycle, C.5). */
const reserve = { least: 512 * mib, share: 0.05 } as const
const meminfoLimit = 65_536

/** What the host could give to guests without swapping, KiB; negative when its reserve is touched. @throws QubesMemoryError */
export async function hostMemory({ files, host }: Os): Promise<number> {
  const text = new TextDecoder().decode(await files.read('/proc/meminfo', meminfoLimit))
  const available = /^MemAvailable:\s+(\d{1,15}) kB$/m.exec(text)?.[1]
  if (available === undefined) throw new QubesMemoryError(msg`/proc/meminfo does not tell how much memory is available`)
  return Number(available) - Math.max(reserve.least, Math.ceil((reserve.share * host.memory) / 1024))
}
