/**
 * What each package may import. A package imports only packages of lower floors, through their entry points. A package that may
 * not import modules of Node is pure: it runs in a browser.
 */
export interface Room {
  readonly folder: string
  /** Packages of this repository that may be imported. */
  readonly ours: readonly string[]
  /** Packages of the registry that may be imported. */
  readonly others: readonly string[]
  /** `all`: every file may import modules of Node; otherwise only files below these folders of `src`. */
  readonly node: 'all' | readonly string[]
}

const kit = '@cloister/kit'
const os = '@cloister/os'
const protocol = '@cloister/admin-protocol'

export const rooms: readonly Room[] = [
  { folder: 'packages/kit', ours: [], others: ['saxes'], node: [] },
  { folder: 'packages/os', ours: [kit], others: [], node: 'all' },
  { folder: 'packages/libvirt', ours: [kit, os], others: [], node: 'all' },
  { folder: 'packages/storage', ours: [kit, os], others: [], node: 'all' },
  { folder: 'packages/admin-protocol', ours: [kit], others: [], node: [] },
  {
    folder: 'packages/core',
    ours: [kit, os, protocol, '@cloister/storage', '@cloister/libvirt'],
    others: [],
    node: ['state', 'disposables'],
  },
  { folder: 'packages/client', ours: [kit, protocol], others: [], node: ['node'] },
  {
    folder: 'packages/admin-server',
    ours: [kit, os, protocol, '@cloister/storage', '@cloister/core'],
    others: [],
    node: 'all',
  },
  {
    folder: 'apps/daemon',
    ours: [kit, os, '@cloister/core', '@cloister/admin-server'],
    others: ['pino', 'smol-toml'],
    node: 'all',
  },
  { folder: 'apps/cli', ours: [kit, os, protocol, '@cloister/client'], others: ['commander'], node: 'all' },
]

/**
 * The floors inside `packages/core`, the lowest first. A file imports, types included, only from its own folder and from folders
 * of the floors below; folders on one floor do not know each other. Files at the top of `src` are above them all.
 */
export const coreFloors: readonly (readonly string[])[] = [
  ['state'],
  ['changes'],
  ['properties'],
  ['storage'],
  ['domains'],
  ['hypervisor', 'life', 'memory', 'network'],
  ['extensions'],
  ['operations'],
  ['disposables'],
  ['recovery'],
]
