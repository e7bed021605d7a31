import { join } from 'node:path'

/** The files and folders of a daemon that is not configured otherwise (design: names and places). */
export interface Places {
  readonly configuration: string
  readonly state: string
  readonly run: string
  /** A folder above `run` that other users could have made, which must be checked before it is used. */
  readonly untrusted?: string
}

/** The places of the system for root, those of the user otherwise. */
export function defaultPlaces(uid: number, env: Readonly<Record<string, string | undefined>>): Places {
  if (uid === 0)
    return { configuration: '/etc/cloister/cloister.toml', state: '/var/lib/cloister', run: '/run/cloister' }
  const set = (name: string): string | undefined => env[name] || undefined
  const home = set('HOME') ?? '/'
  const runtime = set('XDG_RUNTIME_DIR')
  const temporary = `/tmp/cloister-${uid}`
  return {
    configuration: join(set('XDG_CONFIG_HOME') ?? join(home, '.config'), 'cloister', 'cloister.toml'),
    state: join(set('XDG_STATE_HOME') ?? join(home, '.local', 'state'), 'cloister'),
    run: join(runtime ?? temporary, 'cloister'),
    ...(runtime === undefined && { untrusted: temporary }),
  }
}
