import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DomainListItem, propertyGet } from '@cloister/admin-protocol'
import { DaemonUnreachableError } from '@cloister/client'
import { errorText, utf8Text } from '@cloister/kit'
import { mapBounded } from '../bounded.ts'
import { isDenied } from '../failure.ts'
import type { Check, Finding, Patient } from './finding.ts'

type Found = Promise<readonly Omit<Finding, 'check'>[]>

const socketNames = ['qubesd.sock', 'qubesd.internal.sock', 'qubesd.misc.sock'] as const
/** Rights of other users in the mode of a socket: with these, every user of the host administers all domains. */
const rightsOfOthers = 0o007
const groupsLimit = 1 << 20

async function domainsOf({ client }: Patient): Promise<readonly DomainListItem[] | Omit<Finding, 'check'>> {
  try {
    return await client.domains.list()
  } catch (error) {
    if (!(error instanceof DaemonUnreachableError) || isDenied(error)) throw error
    const hint = '`systemctl start cloisterd` or `cloisterd` starts it; --socket names the socket of another one'
    return { level: 'failure', detail: error.message, hint }
  }
}

async function answer(patient: Patient): Found {
  const domains = await domainsOf(patient)
  if ('level' in domains) return [domains]
  const running = domains.filter(({ state, klass }) => state === 'Running' && klass !== 'AdminVM').length
  const crashed = domains.filter(({ state }) => state === 'Crashed' || state === 'Dying').map(({ name }) => name)
  const well: Omit<Finding, 'check'> = {
    level: 'ok',
    detail: `answers at ${patient.socket}: ${domains.length - 1} domains, ${running} running`,
  }
  if (crashed.length === 0) return [well]
  const hint = `\`cloister kill ${crashed[0]}\` ends it, \`cloister console --wait\` shows how it starts`
  return [well, { level: 'warning', detail: `crashed: ${crashed.join(', ')}`, hint }]
}

async function modes({ socket }: Patient): Found {
  const found = await mapBounded(socketNames, socketNames.length, async (name): Promise<Omit<Finding, 'check'>> => {
    const path = join(dirname(socket), name)
    try {
      const { mode } = await stat(path)
      if ((mode & rightsOfOthers) === 0) return { level: 'ok', detail: path }
      const detail = `every user of this host may use ${path}, and so administer all domains`
      return { level: 'failure', detail, hint: `\`chmod o= ${path}\` closes it; find out what opened it` }
    } catch (error) {
      return {
        level: 'warning',
        detail: errorText(error),
        hint: '--socket must name a socket in the run folder of a running daemon',
      }
    }
  })
  const bad = found.filter(({ level }) => level !== 'ok')
  return bad.length > 0 ? bad : [{ level: 'ok', detail: 'for their owner and group only' }]
}

async function groupName({ os }: Patient, gid: number): Promise<string> {
  const text = utf8Text(await os.files.read('/etc/group', groupsLimit)) ?? ''
  return (
    text
      .split('\n')
      .find((line) => line.split(':')[2] === String(gid))
      ?.split(':')[0] ?? String(gid)
  )
}

async function membership(patient: Patient): Found {
  const socket = await stat(patient.socket).catch(() => undefined)
  // The check of the daemon reports a socket that is missing.
  if (socket === undefined) return []
  const { uid, gid, mode } = socket
  const me = process.getuid?.()
  if (me === 0) return [{ level: 'ok', detail: 'root may use the socket' }]
  if (me === uid) return [{ level: 'ok', detail: 'the socket belongs to this user' }]
  const name = await groupName(patient, gid)
  const mine = process.getgroups?.().includes(gid) === true
  if (mine && (mode & 0o060) === 0o060)
    return [{ level: 'ok', detail: `this user is in the group ${name} of the socket` }]
  return [
    {
      level: 'failure',
      detail: `this user may not use ${patient.socket}, which is for its owner and the group ${name}`,
      hint:
        gid === 0
          ? 'set `group` in cloister.toml, add the user to that group, and log in again'
          : `\`sudo usermod -aG ${name} USER\`, and log in again`,
    },
  ]
}

async function defaults({ client }: Patient): Found {
  const { value } = await client.call(propertyGet, { argument: 'default_template' })
  if (value !== '') return [{ level: 'ok', detail: `the default is ${value}` }]
  const templates = (await client.domains.list()).filter(({ klass }) => klass === 'TemplateVM')
  const hint =
    templates.length === 0
      ? '`cloister template import NAME IMAGE` makes a template'
      : `\`cloister prefs --global default_template ${templates[0]?.name}\` sets one`
  return [{ level: 'warning', detail: 'no template is the default: `cloister create` needs --template', hint }]
}

/** Checks of the daemon and its sockets. */
export const daemonChecks: readonly Check[] = [
  { name: 'user', needsDaemon: false, look: membership },
  { name: 'daemon', needsDaemon: false, look: answer },
  { name: 'sockets', needsDaemon: true, look: modes },
  { name: 'template', needsDaemon: true, look: defaults },
]
