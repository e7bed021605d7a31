import { type VolumeInfo, vmVolumeInfo, vmVolumeList } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotFoundError, QubesVolumeNotFoundError } from '@cloister/kit'
import { any } from '../../argument.ts'
import { type Command, defineCommand } from '../../command.ts'
import { connect } from '../../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../../list-output.ts'
import {
  failureOfReading,
  type Reading,
  readEach,
  readingOf,
  readValue,
  reportObjectFailures,
} from '../../object-failures.ts'
import { flag } from '../../option.ts'
import { readingColumn } from '../../reading-column.ts'
import { formatSize } from '../../sizes.ts'

interface VolumeOfDomain {
  readonly domain: string
  readonly name: string
  readonly reading: Reading<VolumeInfo>
}

/** Domains that are asked at the same time. */
const concurrency = 16

const columns: readonly ListColumn<VolumeOfDomain>[] = [
  { key: 'domain', value: ({ domain }) => domain },
  { key: 'volume', value: ({ name }) => name },
  readingColumn('size', ({ size }) => size, { align: 'right', show: ({ size }) => formatSize(size) }),
  readingColumn('usage', ({ usage }) => usage, { align: 'right', show: ({ usage }) => formatSize(usage) }),
  readingColumn('pool', ({ pool }) => pool),
  readingColumn('kind', kindOf),
  readingColumn('revisions', ({ revisionsToKeep }) => revisionsToKeep ?? null, { align: 'right' }),
]

/** The kind of a volume, by what happens to changes in it. */
function kindOf({ saveOnStop, snapOnStart, rw, isOutdated }: VolumeInfo): string {
  if (saveOnStop) return 'persistent'
  if (snapOnStart) return isOutdated === true ? 'snapshot (outdated)' : 'snapshot'
  return rw ? 'volatile' : 'read-only'
}

async function volumesOf(client: AdminClient, dest: string): Promise<VolumeOfDomain[]> {
  const names = await client.call(vmVolumeList, { dest })
  return await Promise.all(
    names.map(async (name) => ({
      domain: dest,
      name,
      reading: await readingOf(client.call(vmVolumeInfo, { dest, argument: name })),
    })),
  )
}

/** True for a domain, or a volume of one, that was removed since the domains were listed. */
function isGone(reading: Reading<unknown>): boolean {
  if ('value' in reading) return false
  return reading.error instanceof QubesVMNotFoundError || reading.error instanceof QubesVolumeNotFoundError
}

export const ls: Command = defineCommand({
  description: [
    'Lists volumes. A persistent volume keeps changes; a snapshot begins anew from its source at each start; a volatile one begins empty. What cannot be read, because its pool is out of reach, is shown as "?", with the reason on standard error and a failing exit status.',
  ],
  examples: [
    ['cloister volume ls', 'the volumes of all domains'],
    ['cloister volume ls work --json', 'for programs; sizes are bytes'],
  ],
  arguments: { names: any('DOMAIN', 'list the volumes of these domains only', 'domain') },
  options: { ...listOptions, persistent: flag('only volumes that keep changes') },
  async run(context, { names }, { persistent, ...choices }) {
    const chosen = chooseColumns(columns, choices.columns)
    const client = await connect(context)
    const domains = names.length > 0 ? names : (await client.domains.list()).map(({ name }) => name)
    // What was removed since the domains were listed is no failure; what was asked for by name is.
    const isWanted = ({ reading }: { reading: Reading<unknown> }): boolean => names.length > 0 || !isGone(reading)
    const asked = (await readEach(domains, concurrency, (name) => volumesOf(client, name))).filter(isWanted)
    const volumes = asked.flatMap(({ reading }) => readValue(reading) ?? []).filter(isWanted)
    // Whether a volume that cannot be read keeps changes is unknown: it is shown.
    const shown = volumes.filter(({ reading }) => !persistent || readValue(reading)?.saveOnStop !== false)
    printList(context.output, chosen, shown, choices)
    reportObjectFailures(context.output, [
      ...asked.flatMap(({ item, reading }) => failureOfReading(item, reading)),
      ...shown.flatMap(({ domain, name, reading }) => failureOfReading(`${domain}:${name}`, reading)),
    ])
  },
})
