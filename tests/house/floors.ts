/**
 * The house: what each package may import from others, and whether it may touch Node. A package imports only from the floors
 * below its own, through the other package's entry point; pure ones run in a browser.
 */
export interface Room {
  readonly folder: string
  /** Packages of ours. */
  readonly ours: readonly string[]
  /** Packages of others. */
  readonly others: readonly string[]
  /** `all`: any module of Node; otherwise only the files below these folders. */
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
