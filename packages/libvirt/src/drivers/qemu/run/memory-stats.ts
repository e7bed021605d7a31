import { asciiText } from '@cloister/kit'
import type { Files } from '@cloister/os'
import type { DomainMemoryStats } from '../../../driver.ts'
import { isObject } from '../qmp/qmp-message.ts'
import type { DomainRun } from './domain-run.ts'

const balloon = '/machine/peripheral/balloon0'
/** How often a guest is asked to report, seconds. */
const period = 2
const largestStatus = 16_384

/** The figures that a guest reports, by QEMU's names. */
const reported = {
  available: 'stat-total-memory',
  unused: 'stat-free-memory',
  usable: 'stat-available-memory',
  swapIn: 'stat-swap-in',
  swapOut: 'stat-swap-out',
} as const

/** The figures of the guest. */
type GuestReport = Omit<DomainMemoryStats, 'actual' | 'rss'>
/** The figures of the guest and the size of its balloon. */
type BalloonStats = Omit<DomainMemoryStats, 'rss'>

/** Memory of a run as host and guest see it (reference: storage-and-lifecycle, C.5). From the first call on the guest is asked to report. */
export async function readMemoryStats(run: DomainRun, files: Files): Promise<DomainMemoryStats> {
  const [rss, balloon] = await Promise.all([residentKib(run.process.identity.pid, files), askBalloon(run)])
  return { ...balloon, ...(rss !== undefined && { rss }) }
}

async function askBalloon(run: DomainRun): Promise<BalloonStats> {
  const { devices, maxMemory } = run.definition
  if (!devices.balloon) return { actual: maxMemory }
  // Setting the period again has no effect. The size is asked for, as QEMU tells of changes at most once a second.
  const [, report, actual] = await Promise.all([
    run.execute('qom-set', { path: balloon, property: 'guest-stats-polling-interval', value: period }),
    run.execute('qom-get', { path: balloon, property: 'guest-stats' }),
    run.execute('query-balloon'),
  ])
  return { ...parseGuestStats(report), actual: Math.min(Math.floor(actual / 1024), maxMemory) }
}

/**
 * Reads the property `guest-stats` of a balloon: bytes as the guest gave them, of which 2^64 - 1, or any other number that a double
 * does not hold exactly, means unknown. Unknown figures are left out.
 */
export function parseGuestStats(value: unknown): GuestReport {
  if (!isObject(value) || !isObject(value['stats'])) return {}
  const { stats } = value
  const known = Object.entries(reported).flatMap(([name, key]) => {
    const bytes = amount(stats[key])
    return bytes === undefined ? [] : [[name, Math.floor(bytes / 1024)]]
  })
  const lastUpdate = amount(value['last-update'])
  return { ...Object.fromEntries(known), ...(lastUpdate && { lastUpdate }) }
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** Memory of the host that a process occupies, KiB; undefined when the process is gone. */
async function residentKib(pid: number, files: Files): Promise<number | undefined> {
  const status = await files.read(`/proc/${pid}/status`, largestStatus).then(asciiText, () => undefined)
  const kib = /^VmRSS:\s+(\d{1,15}) kB$/m.exec(status ?? '')?.[1]
  return kib === undefined ? undefined : Number(kib)
}
