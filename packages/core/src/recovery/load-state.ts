import { parseFirewallRule } from '@cloister/admin-protocol'
import { errorChain } from '@cloister/kit'
import { createPool } from '@cloister/storage'
import type { App } from '../app.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM, VMClass } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import type { VolumeRecord } from '../domains/volume-record.ts'
import { breakNetworkLoops } from '../network/network-loops.ts'
import { makeDomain } from '../operations/create-domain.ts'
import type { Snapshot } from '../state/state-store.ts'
import type { Intent, IntentKind } from './intents.ts'

/** Sources come before the snapshots that are made of them. */
const loadOrder: readonly VMClass[] = ['AdminVM', 'RemoteVM', 'TemplateVM', 'StandaloneVM', 'AppVM', 'DispVM']

/**
 * Builds the objects of the system from what is stored, in the order of reference admin-api, 16: labels and pools, domains,
 * global properties, then what belongs to domains. What cannot be read is logged and left out, and stays stored.
 */
export async function loadState(app: App, snapshot: Snapshot): Promise<Intent[]> {
  for (const [name, index, color] of snapshot.labels) app.labels.load({ name, index, color })
  for (const [name, position, config] of [...snapshot.pools].sort(([, a], [, b]) => a - b))
    await loadPool(app, name, position, config)
  loadDomains(app, snapshot)
  const tolerant = (what: string, load: () => void): void => {
    try {
      load()
    } catch (error) {
      app.log.error('a stored value could not be used', { what, error: errorChain(error) })
    }
  }
  for (const [name, value] of snapshot.global_properties) tolerant(name, () => app.load(name, value))
  const vmOf = (qid: number): BaseVM | undefined => app.domains.findQid(qid)
  for (const [qid, name, value] of snapshot.properties)
    tolerant(`${vmOf(qid)?.name}: ${name}`, () => vmOf(qid)?.load(name, value))
  for (const [qid, name, position, value] of inOrder(snapshot.features)) vmOf(qid)?.features.load(name, value, position)
  for (const [qid, tag] of snapshot.tags) vmOf(qid)?.tags.load(tag)
  for (const [qid, text] of snapshot.notes) vmOf(qid)?.loadNotes(text)
  for (const [qid, rules] of snapshot.firewall) {
    tolerant(`${vmOf(qid)?.name}: firewall`, () =>
      vmOf(qid)?.firewall.load(rules === '' ? [] : rules.split('\n').map(parseFirewallRule)),
    )
  }
  loadVolumes(app, snapshot, tolerant)
  for (const [id, releasedMs] of snapshot.released_dispids) app.disposables.loadReleased(id, releasedMs)
  for (const vm of app.domains) if (vm instanceof DispVM) app.disposables.noteTaken(vm.get(dispid) ?? 0)
  const intents = loadIntents(app, snapshot)
  await breakNetworkLoops(app)
  return intents
}

async function loadPool(app: App, name: string, position: number, config: string): Promise<void> {
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

function loadDomains(app: App, snapshot: Snapshot): void {
  const identities = new Map<number, { name?: string; uuid?: string }>()
  for (const [qid, property, value] of snapshot.properties) {
    if ((property !== 'name' && property !== 'uuid') || value === null) continue
    identities.set(qid, { ...identities.get(qid), [property]: value })
  }
  const classes = [...snapshot.domains].sort(
    ([, a], [, b]) => loadOrder.indexOf(a as VMClass) - loadOrder.indexOf(b as VMClass),
  )
  for (const [qid, klass] of classes) {
    const vm = loadDomain(app, qid, klass as VMClass, identities.get(qid) ?? {})
    if (!vm) continue
    vm.registered = true
    app.domains.load(vm)
  }
}

function loadDomain(
  app: App,
  qid: number,
  klass: VMClass,
  { name, uuid }: { name?: string; uuid?: string },
): BaseVM | undefined {
  if (klass === 'AdminVM') return new AdminVM(app)
  if (name !== undefined && uuid !== undefined) return makeDomain(app, klass, { name, qid, uuid })
  app.log.error('a stored domain has no name or no identity and is left out', { qid, klass })
  return undefined
}

function loadVolumes(app: App, snapshot: Snapshot, tolerant: (what: string, load: () => void) => void): void {
  const configs = new Map<number, string[]>()
  for (const [qid, , config] of snapshot.volumes) {
    const list = configs.get(qid)
    if (list) list.push(config)
    else configs.set(qid, [config])
  }
  // Domains come in an order in which sources are there before their snapshots.
  for (const vm of app.domains) {
    for (const config of configs.get(vm.qid) ?? []) {
      tolerant(`${vm.name}: a volume`, () => vm.storage?.load(JSON.parse(config) as VolumeRecord))
    }
  }
}

function inOrder<T extends readonly [number, string, number, string]>(rows: readonly T[]): T[] {
  return [...rows].sort(([a, , x], [b, , y]) => a - b || x - y)
}

function loadIntents(app: App, snapshot: Snapshot): Intent[] {
  const intents = snapshot.intents.map(([id, kind, subject, details]) => ({
    id,
    kind: kind as IntentKind,
    subject,
    details: JSON.parse(details) as Intent['details'],
  }))
  app.intents.noteLoaded(intents)
  return intents
}
