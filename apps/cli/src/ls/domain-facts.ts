import {
  type DomainListItem,
  type DomainState,
  type NamedPropertyValue,
  type PropertyValue,
  vmCurrentState,
  vmPropertyGet,
  vmPropertyGetAll,
  vmTagList,
  vmVolumeInfo,
  vmVolumeList,
} from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesNoSuchPropertyError, QubesVMNotFoundError, utf8, utf8Text } from '@cloister/kit'
import { mapBounded } from '../bounded.ts'
import { type Reading, readingOf, readValue } from '../object-failures.ts'

/** What can be asked about a domain beyond the list of domains; each costs one call for each domain, or more. */
export interface Wanted {
  readonly properties: ReadonlySet<string>
  readonly tags: boolean
  readonly state: boolean
  readonly disk: boolean
}

/** A part of the facts that is read by calls of its own: a property under its name, or one of the others. */
export type FactName = `property ${string}` | 'tags' | 'state' | 'disk'

/** What is known of a domain; what was not asked for is missing. */
export interface DomainFacts extends DomainListItem {
  readonly properties: ReadonlyMap<string, PropertyValue>
  readonly tags: readonly string[]
  readonly now: DomainState | undefined
  /** Bytes that the volumes occupy. */
  readonly disk: bigint | undefined
  /** What could not be read, and why. */
  readonly failures: ReadonlyMap<FactName, unknown>
}

/** Calls that are under way at the same time: more do not get more out of the daemon. */
const concurrency = 32

/** `vm.property.GetAll` with a decoder that reads the wanted lines only: decoding all of them is most of the work of a list. */
function getAllOf(names: ReadonlySet<string>): typeof vmPropertyGetAll {
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

/** The value of one property; undefined for a class that does not have it. */
async function propertyOf(client: AdminClient, dest: string, argument: string): Promise<PropertyValue | undefined> {
  try {
    return await client.call(vmPropertyGet, { dest, argument })
  } catch (error) {
    if (error instanceof QubesNoSuchPropertyError) return undefined
    throw error
  }
}

type PropertyReadings = ReadonlyMap<string, Reading<PropertyValue | undefined>>

/** Reads properties in one call or, where one of them is damaged and that call fails, each by itself. */
async function propertiesOf(
  client: AdminClient,
  dest: string,
  names: ReadonlySet<string>,
  getAll: typeof vmPropertyGetAll,
): Promise<PropertyReadings> {
  if (names.size === 0) return new Map()
  const all = await readingOf(client.call(getAll, { dest }))
  if ('value' in all) return new Map(all.value.map((value) => [value.name, { value }]))
  if (all.error instanceof QubesVMNotFoundError) throw all.error
  const readings = [...names].map(async (name) => [name, await readingOf(propertyOf(client, dest, name))] as const)
  return new Map(await Promise.all(readings))
}

async function diskOf(client: AdminClient, dest: string): Promise<bigint> {
  const names = await client.call(vmVolumeList, { dest })
  const infos = await Promise.all(names.map((argument) => client.call(vmVolumeInfo, { dest, argument })))
  return infos.reduce((sum, { usage }) => sum + usage, 0n)
}

/** A fact that is read only when it is wanted. */
async function fact<T>(isWanted: boolean, read: () => Promise<T>, otherwise: T): Promise<Reading<T>> {
  return isWanted ? await readingOf(read()) : { value: otherwise }
}

function failuresOf(readings: Iterable<readonly [FactName, Reading<unknown>]>): ReadonlyMap<FactName, unknown> {
  return new Map([...readings].flatMap(([name, one]) => ('error' in one ? [[name, one.error] as const] : [])))
}

async function factsOf(
  client: AdminClient,
  item: DomainListItem,
  wanted: Wanted,
  getAll: typeof vmPropertyGetAll,
): Promise<DomainFacts> {
  const dest = item.name
  const [properties, tags, now, disk] = await Promise.all([
    propertiesOf(client, dest, wanted.properties, getAll),
    fact(wanted.tags, () => client.call(vmTagList, { dest }), []),
    fact<DomainState | undefined>(
      wanted.state && item.state !== 'Halted',
      () => client.call(vmCurrentState, { dest }),
      undefined,
    ),
    fact<bigint | undefined>(wanted.disk, () => diskOf(client, dest), undefined),
  ])
  const known = [...properties].flatMap(([name, reading]) => {
    const value = readValue(reading)
    return value === undefined ? [] : [[name, value] as const]
  })
  const propertyReadings = [...properties].map(([name, reading]) => [`property ${name}`, reading] as const)
  return {
    ...item,
    properties: new Map(known),
    tags: readValue(tags) ?? [],
    now: readValue(now),
    disk: readValue(disk),
    failures: failuresOf([...propertyReadings, ['tags', tags], ['state', now], ['disk', disk]]),
  }
}

function wasRemoved({ failures }: DomainFacts): boolean {
  return failures.values().some((error) => error instanceof QubesVMNotFoundError)
}

/** Asks about many domains; one that was removed meanwhile is left out. What cannot be read of one is in its `failures`. */
export async function domainFacts(
  client: AdminClient,
  items: readonly DomainListItem[],
  wanted: Wanted,
): Promise<DomainFacts[]> {
  const getAll = getAllOf(wanted.properties)
  const facts = await mapBounded(items, concurrency, async (item) => {
    try {
      const found = await factsOf(client, item, wanted, getAll)
      return wasRemoved(found) ? undefined : found
    } catch (error) {
      if (error instanceof QubesVMNotFoundError) return undefined
      throw error
    }
  })
  return facts.filter((one) => one !== undefined)
}
