import { msg } from '@cloister/kit'
import type { Files } from '@cloister/os'
import { ConfigurationError } from './configuration.ts'

const groupFileLimit = 1 << 20

/** The number of a group. @throws ConfigurationError when the host has no such group */
export async function groupId(files: Files, name: string): Promise<number> {
  const text = new TextDecoder().decode(await files.read('/etc/group', groupFileLimit))
  for (const line of text.split('\n')) {
    const [group, , gid] = line.split(':')
    if (group === name && gid !== undefined) return Number(gid)
  }
  throw new ConfigurationError(msg`There is no group ${name} on this host: create it, or configure another one`)
}
