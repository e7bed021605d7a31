import { type VolumeInfo, vmVolumeInfo, vmVolumeList } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotFoundError } from '@cloister/kit'
import { any } from '../../argument.ts'
import { mapBounded } from '../../bounded.ts'
import { type Command, defineCommand } from '../../command.ts'
import { connect } from '../../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../../list-output.ts'
import { flag } from '../../option.ts'
import { formatSize } from '../../sizes.ts'

interface VolumeOfDomain extends VolumeInfo {
  readonly domain: string
  readonly name: string
}

const concurrency = 16

const columns: readonly ListColumn<VolumeOfDomain>[] = [
  { key: 'domain', value: ({ domain }) => domain },
  { key: 'volume', value: ({ name }) => name },
  { key: 'size', align: 'right', value: ({ size }) => size, show: ({ size }) => ({ text: formatSize(size) }) },
  { key: 'usage', align: 'right', value: ({ usage }) => usage, show: ({ usage }) => ({ text: formatSize(usage) }) },
  { key: 'pool', value: ({ pool }) => pool },
  { key: 'kind', value: kindOf },
  { key: 'revisions', align: 'right', value: ({ revisionsToKeep }) => revisionsToKeep ?? null },
]

/** What becomes of changes, in a word. */
function kindOf({ saveOnStop, snapOnStart, rw, isOutdated }: VolumeInfo): string {
  if (saveOnStop) return 'persistent'
  if (snapOnStart) return isOutdated === true ? 'snapshot (outdated)' : 'snapshot'
  return rw ? 'volatile' : 'read-only'
}

async function volumesOf(client: AdminClient, dest: string): Promise<VolumeOfDomain[]> {
  const names = await client.call(vmVolumeList, { dest })
  return await Promise.all(
    names.map(async (name) => ({ domain: dest, name, ...(await client.call(vmVolumeInfo, { dest, argument: name })) })),
  )
}

export const ls: Command = defineCommand({
  description: [
    'Lists volumes. A persistent volume keeps changes; a snapshot begins anew from its source at each start; a volatile one begins empty.',
  ],
  examples: [
    ['cloister volume ls', 'of all domains'],
    ['cloister volume ls work --json', 'of one, for programs; sizes are bytes'],
  ],
  arguments: { names: any('DOMAIN', 'these domains only', 'domain') },
  options: { ...listOptions, persistent: flag('only volumes that keep changes') },
  async run(context, { names }, { persistent, ...choices }) {
    const chosen = chooseColumns(columns, choices.columns)
    const client = await connect(context)
    const domains = names.length > 0 ? names : (await client.domains.list()).map(({ name }) => name)
    const volumes = await mapBounded(domains, concurrency, async (name) => {
      try {
        return await volumesOf(client, name)
      } catch (error) {
        // One that was removed since it was listed.
        if (error instanceof QubesVMNotFoundError && names.length === 0) return []
        throw error
      }
    })
    const shown = volumes.flat().filter(({ saveOnStop }) => !persistent || saveOnStop)
    printList(context.output, chosen, shown, choices)
  },
})
