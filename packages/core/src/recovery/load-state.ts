import { parseFirewallRule } from '@cloister/admin-protocol'
import { errorChain } from '@cloister/kit'
import { createPool } from '@cloister/storage'
import type { Intent, IntentKind } from '../changes/intents.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM, VMClass } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import type { System } from '../domains/system.ts'
import { makeDomain } from '../domains/vm-classes.ts'
import { breakNetworkLoops } from '../network/network-loops.ts'
import type { StateStore } from '../state/state-store.ts'
import type { RowOf, TableName } from '../state/tables.ts'
import type { VolumeRecord } from '../storage/volume-record.ts'

/** Sources come before the snapshots that are made of them. */
const loadOrder: readonly VMClass[] = ['AdminVM', 'RemoteVM', 'TemplateVM', 'StandaloneVM', 'AppVM', 'DispVM']

/**
 * Builds the objects of the system from what is stored, in the order of reference admin-api, 16: labels and pools, domains,
 * global properties, then what belongs to domains. What cannot be read is logged and left out, and stays stored. Undefined
 * when nothing is stored.
 */
export async function loadState(app: System, store: StateStore): Promise<Intent[] | undefined> {
  const tolerant = (what: () => string, load: () => void): void => {
    try {
      load()
    } catch (error) {
      app.log.error('a stored value could not be used', { what: what(), error: errorChain(error) })
    }
  }
  const vmOf = (qid: number): BaseVM | undefined => app.domains.findQid(qid)
  await eachRow(store, 'labels', ([name, index, color]) => app.labels.load({ name, index, color }))
  for (const [name, position, config] of (await allRows(store, 'pools')).sort(([, a], [, b]) => a - b))
    await loadPool(app, name, position, config)
  if (!(await loadDomains(app, store))) return undefined
  await eachRow(store, 'global_properties', ([name, value]) =>
    tolerant(
      () => name,
      () => app.global.load(name, value),
    ),
  )
  await eachRow(store, 'properties', ([qid, name, value]) => {
    const vm = vmOf(qid)
    tolerant(
      () => `${vm?.name}: ${name}`,
      () => vm?.load(name, value),
    )
  })
  await eachRow(store, 'features', ([qid, name, position, value]) => vmOf(qid)?.features.load(name, value, position))
  await eachRow(store, 'tags', ([qid, tag]) => vmOf(qid)?.tags.load(tag))
  await eachRow(store, 'notes', ([qid, text]) => vmOf(qid)?.loadNotes(text))
  await eachRow(store, 'firewall', ([qid, rules]) => {
    const vm = vmOf(qid)
    tolerant(
      () => `${vm?.name}: firewall`,
      () => vm?.firewall.load(rules === '' ? [] : rules.split('\n').map(parseFirewallRule)),
    )
  })
  await loadVolumes(app, store, tolerant)
  await eachRow(store, 'released_dispids', ([id, releasedMs]) => app.disposableNumbers.loadReleased(id, releasedMs))
  for (const vm of app.domains) if (vm instanceof DispVM) app.disposableNumbers.noteTaken(vm.get(dispid) ?? 0)
  const intents = loadIntents(app, await allRows(store, 'intents'))
  await breakNetworkLoops(app)
  return intents
}

async function eachRow<N extends TableName>(store: StateStore, table: N, load: (row: RowOf<N>) => void): Promise<void> {
  for await (const rows of store.read(table)) for (const row of rows) load(row)
}

async function allRows<N extends TableName>(store: StateStore, table: N): Promise<RowOf<N>[]> {
  const all: RowOf<N>[] = []
  await eachRow(store, table, (row) => all.push(row))
  return all
}

async function loadPool(app: System, name: string, position: number, config: string): Promise<void> {
  try {
    const { driver = '', name: _name, ...options } = JSON.parse(config) as Record<string, string>
    const pool = createPool(driver, name, options, app.os, (text) => app.log.warn(text, { pool: name }))
    await pool.open()
    app.pools.load(pool, position)
  } catch (error) {
    app.log.error('a storage pool could not be opened: its volumes are out of reach', {
      pool: name,
      error: errorChain(error),
    })
  }
}

/** Makes the domains, of which only name and identity are known; false when there are none. */
async function loadDomains(app: System, store: StateStore): Promise<boolean> {
  const classes = await allRows(store, 'domains')
  const identities = new Map<number, { name?: string; uuid?: string }>(classes.map(([qid]) => [qid, {}]))
  await eachRow(store, 'properties', ([qid, property, value]) => {
    const identity = identities.get(qid)
    if (identity && (property === 'name' || property === 'uuid') && value !== null) identity[property] = value
  })
  classes.sort(([, a], [, b]) => loadOrder.indexOf(a as VMClass) - loadOrder.indexOf(b as VMClass))
  for (const [qid, klass] of classes) {
    const vm = loadDomain(app, qid, klass as VMClass, identities.get(qid) ?? {})
    if (!vm) continue
    vm.registered = true
    app.domains.load(vm)
  }
  return classes.length > 0
}

function loadDomain(
  app: System,
  qid: number,
  klass: VMClass,
  { name, uuid }: { name?: string; uuid?: string },
): BaseVM | undefined {
  if (klass === 'AdminVM') return new AdminVM(app)
  if (name !== undefined && uuid !== undefined) return makeDomain(app, klass, { name, qid, uuid })
  app.log.error('a stored domain has no name or no identity and is left out', { qid, klass })
  return undefined
}

/** Volumes that others are made of come first; one that is made of another is no source itself. */
async function loadVolumes(
  app: System,
  store: StateStore,
  tolerant: (what: () => string, load: () => void) => void,
): Promise<void> {
  const later: [qid: number, config: string][] = []
  const load = (qid: number, config: string, isLater: boolean): void => {
    const vm = app.domains.findQid(qid)
    tolerant(
      () => `${vm?.name}: a volume`,
      () => {
        const record = JSON.parse(config) as VolumeRecord
        if (record['source'] !== undefined && !isLater) later.push([qid, config])
        else vm?.storage?.load(record)
      },
    )
  }
  await eachRow(store, 'volumes', ([qid, , config]) => load(qid, config, false))
  for (const [qid, config] of later) load(qid, config, true)
}

function loadIntents(app: System, rows: readonly RowOf<'intents'>[]): Intent[] {
  const intents = rows.map(([id, kind, subject, details]) => ({
    id,
    kind: kind as IntentKind,
    subject,
    details: JSON.parse(details) as Intent['details'],
  }))
  app.intents.noteLoaded(intents)
  return intents
}
