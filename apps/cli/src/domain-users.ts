import { propertyGetAll, vmPropertyGetAll } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotFoundError } from '@cloister/kit'
import { mapBounded } from './bounded.ts'

/** Who refers to a domain. */
export interface DomainUse {
  /** Name of the domain that does; undefined for the system itself. */
  readonly user: string | undefined
  /** In which property. */
  readonly property: string
}

const concurrency = 32
const namesShown = 5

/** Everything that keeps a domain from being removed: global properties, and what other domains were given. */
export async function usersOf(client: AdminClient, name: string): Promise<DomainUse[]> {
  const others = (await client.domains.list()).filter((item) => item.name !== name)
  const global = await client.call(propertyGetAll, {})
  const uses = await mapBounded(others, concurrency, async ({ name: dest }) => {
    try {
      const properties = await client.call(vmPropertyGetAll, { dest })
      return properties
        .filter((property) => property.type === 'vm' && !property.isDefault && property.value === name)
        .map((property) => ({ user: dest, property: property.name }))
    } catch (error) {
      if (error instanceof QubesVMNotFoundError) return []
      throw error
    }
  })
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
