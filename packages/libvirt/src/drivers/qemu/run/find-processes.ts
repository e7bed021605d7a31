import { basename, dirname } from 'node:path'
import { utf8Text } from '@cloister/kit'
import { errorCode, type ProcessIdentity } from '@cloister/os'
import { parseUuid } from '../../../uuid.ts'
import type { QemuHost } from '../host/qemu-host.ts'

const largestCommandLine = 4 << 20
const largestStatus = 64 << 10

/**
 * The QEMUs that run for domains of this root, by uuid of the domain. The kernel tells which log a process writes to, and
 * only we can open the logs.
 */
export async function findProcesses({
  os: { files, processes },
  places,
}: QemuHost): Promise<Map<string, ProcessIdentity>> {
  const pids = (await files.list('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const output = await files.resolve(`/proc/${pid}/fd/1`).catch(unlessGone)
      const uuid = parseUuid(basename(output ?? '', '.log'))
      if (output === undefined || uuid === undefined || output !== (await realPath(places.log(uuid)))) return []
      const identity = await processes.identify(Number(pid))
      return identity ? [[uuid, identity] as const] : []
    }),
  )
  return new Map(found.flat())

  async function realPath(path: string): Promise<string> {
    return `${await files.resolve(dirname(path))}/${basename(path)}`
  }
}

/** The name of the domain that a QEMU runs, by its arguments; undefined when they do not tell. */
export async function domainNameOf({ pid }: ProcessIdentity, { os: { files } }: QemuHost): Promise<string | undefined> {
  const text = utf8Text(
    (await files.read(`/proc/${pid}/cmdline`, largestCommandLine).catch(unlessGone)) ?? new Uint8Array(),
  )
  const args = text?.split('\0') ?? []
  return /^guest=([A-Za-z0-9_-][A-Za-z0-9._-]{0,254}),/.exec(args[args.indexOf('-name') + 1] ?? '')?.[1]
}

/** The user that a QEMU runs as; undefined when it is ours. */
export async function userOf({ pid }: ProcessIdentity, { os }: QemuHost): Promise<number | undefined> {
  const status = await os.files.read(`/proc/${pid}/status`, largestStatus).catch(unlessGone)
  const uid = Number(/^Uid:\t(\d{1,10})\t/m.exec(utf8Text(status ?? new Uint8Array()) ?? '')?.[1] ?? os.host.uid)
  return uid === os.host.uid ? undefined : uid
}

/** A process may end at any moment, have no such file, or be none that we may look at: then it is not one of ours. */
function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL'].includes(errorCode(error) ?? '')) throw error
}
