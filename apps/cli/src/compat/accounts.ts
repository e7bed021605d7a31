import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const configuration = '/etc/cloister/cloister.toml'

/** A group of a system (group(5)). */
export interface Group {
  readonly id: number
  readonly members: readonly string[]
}

/** The text of a file; empty when there is none. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return ''
    throw error
  }
}

/** A group of the system below `root`; undefined when there is none of that name. */
export async function findGroup(root: string, name: string): Promise<Group | undefined> {
  const lines = (await textOf(join(root, '/etc/group'))).split('\n')
  const [, , id = '', members = ''] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
  if (!/^\d+$/.test(id)) return undefined
  return { id: Number(id), members: members.split(',').filter(Boolean) }
}

/** Users whose primary group has this number (passwd(5)). */
async function primaryUsers(root: string, id: number): Promise<readonly string[]> {
  const fields = (await textOf(join(root, '/etc/passwd'))).split('\n').map((line) => line.split(':'))
  return fields.flatMap(([user = '', , , group]) => (group === String(id) ? [user] : []))
}

/** Why the configuration needs a group: it sets `group`, for the sockets or for an endpoint. Undefined when it does not. */
export async function useInConfiguration(root: string, name: string): Promise<string | undefined> {
  const lines = (await textOf(join(root, configuration))).split('\n')
  const isNamed = lines.some((line) => /^[^#]*\bgroup\s*=\s*["']([^"']*)["']/.exec(line)?.[1] === name)
  return isNamed ? `${configuration} names the group` : undefined
}

/** Who needs a group as a member of it, apart from the members `ours`; undefined when no user does. */
export async function useByMembers(root: string, name: string, ours: ReadonlySet<string>): Promise<string | undefined> {
  const group = await findGroup(root, name)
  if (group === undefined) return undefined
  const others = group.members.filter((user) => !ours.has(user))
  const users = [...new Set([...others, ...(await primaryUsers(root, group.id))])]
  return users.length === 0
    ? undefined
    : `${users.join(', ')} ${users.length === 1 ? 'is a member' : 'are members'} of it`
}
