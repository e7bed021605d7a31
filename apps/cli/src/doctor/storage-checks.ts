import { type PoolInfo, poolInfo, poolList, poolVolumeList, propertyGet } from '@cloister/admin-protocol'
import { failureOf } from '../failure.ts'
import { readEach } from '../object-failures.ts'
import { formatSize } from '../sizes.ts'
import type { Check, Finding, Patient } from './finding.ts'

type Found = Promise<readonly Omit<Finding, 'check'>[]>

const concurrency = 8
/** How full a pool is, in percent, from which on it is a warning, and a failure. */
const nearlyFull = 90
const full = 98
/** The driver that copies whole volumes where others share blocks. */
const copyingDriver = 'file'

async function kernels({ client }: Patient): Found {
  const { value: pool } = await client.call(propertyGet, { argument: 'default_pool_kernel' })
  const { value: chosen } = await client.call(propertyGet, { argument: 'default_kernel' })
  const [{ config }, found] = await Promise.all([
    client.call(poolInfo, { argument: pool }),
    client.call(poolVolumeList, { argument: pool }),
  ])
  const folder = config.get('dir_path') ?? pool
  if (found.length === 0) {
    const hint = `put one there: ${folder}/VERSION/vmlinuz, and beside it initramfs and modules.img where the kernel needs them`
    return [{ level: 'failure', detail: `there is no kernel in ${folder}`, hint }]
  }
  if (found.includes(chosen))
    return [{ level: 'ok', detail: `${chosen} is the default; kernels in ${folder}: ${found.length}` }]
  const detail = chosen === '' ? 'no kernel is the default' : `the default kernel ${chosen} is not in ${folder}`
  return [{ level: 'failure', detail, hint: `\`cloister prefs --global default_kernel ${found.at(-1)}\` chooses one` }]
}

function space(name: string, { size, usage }: PoolInfo): Omit<Finding, 'check'> | undefined {
  if (size === undefined || usage === undefined || size === 0n) return undefined
  const percent = Number((usage * 100n) / size)
  const detail = `${name} has ${formatSize(size - usage)} of ${formatSize(size)} left`
  if (percent < nearlyFull) return { level: 'ok', detail }
  const hint = '`cloister ls -c name,disk` shows what domains take up; guests are paused when nothing is left'
  return { level: percent < full ? 'warning' : 'failure', detail, hint }
}

async function pools({ client }: Patient): Found {
  const names = await client.call(poolList, {})
  const readings = await readEach(names, concurrency, (argument) => client.call(poolInfo, { argument }))
  return readings.flatMap(({ item: name, reading }) => {
    if ('value' in reading) return space(name, reading.value) ?? []
    const { message } = failureOf(reading.error)
    const hint = `\`cloister pool info ${name}\` shows where it is; its folder must be there and readable`
    return [{ level: 'failure' as const, detail: `${name} cannot be used: ${message}`, hint }]
  })
}

async function sharing({ client }: Patient): Found {
  const { value: name } = await client.call(propertyGet, { argument: 'default_pool' })
  if (name === '') {
    const hint = '`cloister pool ls` shows the pools, `cloister prefs --global default_pool NAME` chooses one'
    return [{ level: 'failure', detail: 'no pool is the default', hint }]
  }
  const { config } = await client.call(poolInfo, { argument: name })
  const driver = config.get('driver') ?? ''
  if (driver !== copyingDriver) return [{ level: 'ok', detail: `${name} (${driver}) shares blocks between volumes` }]
  const detail = `${name} is slower than it could be: its file system cannot share blocks between files`
  return [
    {
      level: 'warning',
      detail,
      hint: 'a pool on btrfs or XFS shares blocks: `cloister pool add NAME file-reflink --set dir_path=DIR`',
    },
  ]
}

/** Checks of kernels and pools. */
export const storageChecks: readonly Check[] = [
  { name: 'kernels', needsDaemon: true, look: kernels },
  { name: 'pools', needsDaemon: true, look: pools },
  { name: 'reflink', needsDaemon: true, look: sharing },
]
