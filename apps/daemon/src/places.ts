import { join } from 'node:path'

/** Where things are when nothing else is said (design: names and places). */
export interface Places {
  readonly configuration: string
  readonly state: string
  readonly run: string
}

/** The places of the system for root, those of the user otherwise. */
export function defaultPlaces(uid: number, env: Readonly<Record<string, string | undefined>>): Places {
  if (uid === 0)
    return { configuration: '/etc/cloister/cloister.toml', state: '/var/lib/cloister', run: '/run/cloister' }
  const home = env['HOME'] ?? '/'
  return {
    configuration: join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'cloister', 'cloister.toml'),
    state: join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'cloister'),
    run: join(env['XDG_RUNTIME_DIR'] ?? join('/tmp', `cloister-${uid}`), 'cloister'),
  }
}
