import type { TestDriver } from '@cloister/libvirt'
import type { Volume } from '@cloister/storage'
import type { App } from '../app.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { Snapshot } from '../state/testing/snapshot.ts'

/** A system whose state, files and guests can be looked at. */
export interface VisibleSystem {
  readonly app: App
  readonly driver: TestDriver
  files(): Promise<string[]>
  intents(): Promise<string[]>
  stored(): Promise<Snapshot>
}

/**
 * Compares the objects of the daemon, the stored rows, the files on disk and the running guests; yields each difference in words.
 * No operation may be under way.
 */
export async function discrepancies(system: VisibleSystem): Promise<string[]> {
  return [
    ...(await differentFiles(system)),
    ...(await differentVolumes(system)),
    ...(await differentGuests(system)),
    ...(await differentIntents(system)),
    ...(await differentRows(system)),
  ]
}

const domains = ({ app }: VisibleSystem): QubesVM[] => [...app.domains].filter((vm) => vm instanceof QubesVM)

/** Compares the files of each volume with the expected ones (reference: storage-and-lifecycle, A.4.1). */
async function differentFiles(system: VisibleSystem): Promise<string[]> {
  const found = new Set(await system.files())
  const problems: string[] = []
  for (const vm of domains(system)) {
    for (const volume of vm.storage.stored()) {
      const own = [...found].filter((path) => path.startsWith(`${volume.vid}.`) || path.startsWith(`${volume.vid}-`))
      for (const path of own) found.delete(path)
      const kinds = own.map((path) => path.slice(volume.vid.length).replace(/^\.img\.\d+@.*/, '(revision)'))
      problems.push(...different(`files of ${volume.vid}`, kinds, expectedFiles(volume, vm.run !== undefined)))
    }
  }
  return [...problems, ...[...found].map((path) => `${path} belongs to no volume`)]
}

function expectedFiles({ saveOnStop, source, revisionsToKeep }: Volume, running: boolean): string[] {
  if (saveOnStop && !running) return ['.img']
  // With snapshots disabled the guest writes to the committed image itself.
  if (saveOnStop) return revisionsToKeep === -1 ? ['-dirty.img'] : ['.img', '-dirty.img']
  if (!running) return []
  return source ? ['.img', '-dirty.qcow2'] : ['-dirty.img']
}

/** The pools know the volumes of the domains, and no others. */
async function differentVolumes(system: VisibleSystem): Promise<string[]> {
  const owned = domains(system).flatMap((vm) => [...vm.storage.stored()])
  const listed = await Promise.all(system.app.pools.list().map((pool) => pool.listVolumes()))
  const images = listed.flat().filter(({ pool }) => pool.driver !== 'linux-kernel')
  const strangers = images.filter((volume) => !owned.includes(volume)).map(({ vid }) => `the pool has another ${vid}`)
  return [...strangers, ...owned.filter((volume) => !images.includes(volume)).map(({ vid }) => `the pool lacks ${vid}`)]
}

async function differentGuests(system: VisibleSystem): Promise<string[]> {
  const running = domains(system).filter(({ run }) => run !== undefined)
  const active = await system.driver.connectListAllDomains({ active: true })
  return different(
    'guests',
    active.map(({ name }) => name),
    running.map(({ name }) => name),
  )
}

async function differentIntents(system: VisibleSystem): Promise<string[]> {
  const running = domains(system).filter(({ run }) => run !== undefined)
  return different(
    'intents',
    await system.intents(),
    running.map(({ name }) => `run ${name}`),
  )
}

/** Every domain is stored, and no row belongs to an unknown domain. */
async function differentRows(system: VisibleSystem): Promise<string[]> {
  const stored = await system.stored()
  const numbers = [...system.app.domains].map(({ qid }) => qid)
  const strangers = (['properties', 'features', 'tags', 'notes', 'firewall', 'volumes'] as const).flatMap((table) =>
    stored[table].filter(([qid]) => !numbers.includes(qid)).map((row) => `${table} has ${row.join(' ')}`),
  )
  const qids = stored.domains.map(([qid]) => qid)
  return [...different('stored domains', qids.map(String), numbers.map(String)), ...strangers]
}

/** Revisions may be missing, one too many is allowed after a crash. */
function different(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const rest = found.filter((one) => one !== '(revision)').sort()
  const revisions = found.length - rest.length
  const problems = revisions > 2 ? [`${what}: ${revisions} revisions`] : []
  const wanted = [...expected].sort()
  if (rest.join() === wanted.join()) return problems
  return [...problems, `${what}: ${rest.join(', ') || 'none'} instead of ${wanted.join(', ') || 'none'}`]
}
