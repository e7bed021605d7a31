import {
  type DomainListItem,
  type DomainState,
  type NamedPropertyValue,
  type PropertyValue,
  vmCurrentState,
  vmPropertyGetAll,
  vmTagList,
  vmVolumeInfo,
  vmVolumeList,
} from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotFoundError, utf8, utf8Text } from '@cloister/kit'
import { mapBounded } from '../bounded.ts'

/** What can be asked about a domain beyond the list of domains; each costs a call for each domain, or more. */
export interface Wanted {
  readonly properties: ReadonlySet<string>
  readonly tags: boolean
  readonly state: boolean
  readonly disk: boolean
}

/** What is known of a domain; what was not asked for is missing. */
export interface DomainFacts extends DomainListItem {
  readonly properties: ReadonlyMap<string, PropertyValue>
  readonly tags: readonly string[]
  readonly now: DomainState | undefined
  /** Bytes that the volumes take up. */
  readonly disk: bigint | undefined
}

/** Calls that are under way together: more keep the daemon no busier. */
const concurrency = 32

/** The call for all properties of a domain, of whose reply only a few lines are read: reading is most of the work. */
function someProperties(names: ReadonlySet<string>): typeof vmPropertyGetAll {
  const { admin } = vmPropertyGetAll
  const known = [...names].filter((name) => /^\w+$/.test(name))
  if (admin === undefined || known.length === 0) return vmPropertyGetAll
  const wanted = new RegExp(`^(?:${known.join('|')}) .*$`, 'gm')
  const decode = (bytes: Uint8Array): readonly NamedPropertyValue[] => {
    const lines = (utf8Text(bytes) ?? '').match(wanted) ?? []
    return admin.reply.decode(utf8(lines.map((line) => `${line}\n`).join('')))
  }
  return { ...vmPropertyGetAll, admin: { ...admin, reply: { ...admin.reply, decode } } }
}

async function diskOf(client: AdminClient, dest: string): Promise<bigint> {
  const names = await client.call(vmVolumeList, { dest })
  const infos = await Promise.all(names.map((argument) => client.call(vmVolumeInfo, { dest, argument })))
  return infos.reduce((sum, { usage }) => sum + usage, 0n)
}

async function factsOf(
  client: AdminClient,
  item: DomainListItem,
  wanted: Wanted,
  properties: typeof vmPropertyGetAll,
): Promise<DomainFacts> {
  const dest = item.name
  const [values, tags, now, disk] = await Promise.all([
    wanted.properties.size > 0 ? client.call(properties, { dest }) : [],
    wanted.tags ? client.call(vmTagList, { dest }) : [],
    wanted.state && item.state !== 'Halted' ? client.call(vmCurrentState, { dest }) : undefined,
    wanted.disk ? diskOf(client, dest) : undefined,
  ])
  return { ...item, properties: new Map(values.map((value) => [value.name, value])), tags, now, disk }
}

/** Asks about many domains; one that was removed meanwhile is left out. */
export async function domainFacts(
  client: AdminClient,
  items: readonly DomainListItem[],
  wanted: Wanted,
): Promise<DomainFacts[]> {
  const properties = someProperties(wanted.properties)
  const facts = await mapBounded(items, concurrency, async (item) => {
    try {
      return await factsOf(client, item, wanted, properties)
    } catch (error) {
      if (error instanceof QubesVMNotFoundError) return undefined
      throw error
    }
  })
  return facts.filter((one) => one !== undefined)
}
