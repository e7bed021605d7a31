import { type CallRow, vmList } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { several } from './argument.ts'
import { type Command, defineCommand, type Example } from './command.ts'
import { connect } from './connect.ts'
import { forEachDomain } from './for-each-domain.ts'

/** A command that sends one call to each of several domains. */
export interface PowerOrder {
  readonly description: readonly string[]
  readonly examples: readonly Example[]
  readonly row: CallRow<undefined, undefined, undefined>
  /** The work as a participle: `pausing`. */
  readonly doing: string
  /** The result as a participle: `paused`. */
  readonly done: string
  /** An error that means that the domain is in the wanted state already, and the result that is printed then. */
  readonly nothingToDo?: readonly [when: abstract new (...parameters: never[]) => Error, result: string]
}

/** Defines the command that sends a call to several domains. */
export function powerCommand({ description, examples, row, doing, done, nothingToDo }: PowerOrder): Command {
  return defineCommand({
    description,
    examples,
    arguments: { names: several('DOMAIN', 'the domains', 'domain') },
    options: {},
    async run(context, { names }) {
      const client = await connect(context)
      await forEachDomain(context, names, {
        doing,
        async work(dest) {
          try {
            await client.call(row, { dest })
            return done
          } catch (error) {
            if (nothingToDo !== undefined && error instanceof nothingToDo[0]) return nothingToDo[1]
            throw error
          }
        },
      })
    },
  })
}

/** The power state of a domain. */
export async function stateOf(client: AdminClient, dest: string): Promise<string> {
  const items = await client.call(vmList, { dest })
  return items.find(({ name }) => name === dest)?.state ?? 'NA'
}
