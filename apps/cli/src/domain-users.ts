import { propertyGetAll, vmPropertyGetAll } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { readEach, readValue } from './object-failures.ts'

/** A property that refers to a domain. */
export interface DomainUse {
  /** The domain that has the property; undefined for a global property. */
  readonly user: string | undefined
  /** The name of the property. */
  readonly property: string
}

const concurrency = 32
const namesShown = 5

/** The properties that keep a domain from being removed: global ones, and those that were set on other domains. */
export async function usersOf(client: AdminClient, name: string): Promise<DomainUse[]> {
  const others = (await client.domains.list()).filter((item) => item.name !== name)
  const global = await client.call(propertyGetAll, {})
  // One that was removed since, or that cannot be read, does not hide the others.
  const readings = await readEach(others, concurrency, async ({ name: dest }) => {
    const properties = await client.call(vmPropertyGetAll, { dest })
    return properties
      .filter((property) => property.type === 'vm' && !property.isDefault && property.value === name)
      .map((property) => ({ user: dest, property: property.name }))
  })
  const uses = readings.map(({ reading }) => readValue(reading) ?? [])
  return [
    ...global
      .filter(({ type, value }) => type === 'vm' && value === name)
      .map((property) => ({ user: undefined, property: property.name })),
    ...uses.flat(),
  ]
}

/** `template of work, web and 3 more, global default_netvm`. */
export function describeUses(uses: readonly DomainUse[]): string {
  const byProperty = Map.groupBy(uses, ({ user, property }) =>
    user === undefined ? `global ${property}` : `${property} of `,
  )
  return [...byProperty]
    .map(([what, all]) => {
      const users = all.flatMap(({ user }) => user ?? [])
      const more = users.length - namesShown
      return what + users.slice(0, namesShown).join(', ') + (more > 0 ? ` and ${more} more` : '')
    })
    .join('; ')
}
