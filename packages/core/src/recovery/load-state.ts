import { parseFirewallRule } from '@cloister/admin-protocol'
import { errorChain, errorText, msg, QubesValueError } from '@cloister/kit'
import { type Intent, type IntentKind, intentKinds } from '../changes/intents.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import type { System } from '../domains/system.ts'
import { breakNetworkLoops } from '../network/network-loops.ts'
import type { AnyProperty } from '../properties/property.ts'
import type { PropertyHolder } from '../properties/property-holder.ts'
import type { StateStore } from '../state/state-store.ts'
import type { RowOf } from '../state/tables.ts'
import { loadDomains } from './load-domains.ts'
import { type LoadPart, loadVolumes } from './load-volumes.ts'
import { allRows, damagedState, eachRow } from './stored-rows.ts'

/**
 * Builds the objects of the system from the stored rows, in the order of reference admin-api, 16: labels and pools, domains,
 * global properties, then the parts of domains. Undefined when nothing is stored.
 *
 * An unreadable value never counts as the default. When it belongs to one domain, that domain cannot start
 * (`PropertyHolder.damage`) and the value stays stored; when it affects other objects, the daemon does not start.
 * @throws StateStoreError
 */
export async function loadState(app: System, store: StateStore): Promise<Intent[] | undefined> {
  await loadLabels(app, store)
  for (const [name, position, config] of (await allRows(store, 'pools')).sort(([, a], [, b]) => a - b))
    await app.pools.load(name, position, config)
  if (!(await loadDomains(app, store))) {
    if (app.labels.list().length > 0) throw damagedState('the table domains is empty, the table labels is not')
    return undefined
  }
  await loadRecords(app, store)
  await eachRow(store, 'released_dispids', ([id, releasedMs]) => app.disposableNumbers.loadReleased(id, releasedMs))
  for (const vm of app.domains) if (vm instanceof DispVM) app.disposableNumbers.noteTaken(vm.get(dispid) ?? 0)
  const intents = (await allRows(store, 'intents')).map(parseIntent)
  app.intents.noteLoaded(intents)
  await breakNetworkLoops(app)
  return intents
}

async function loadLabels(app: System, store: StateStore): Promise<void> {
  const indices = new Set<number>()
  await eachRow(store, 'labels', ([name, index, color]) => {
    if (index < 1 || indices.has(index) || !isName(name) || !/^0x[0-9a-fA-F]{6}$/.test(color))
      throw damagedState(
        `the label ${JSON.stringify(name)} has the index ${index} and the colour ${JSON.stringify(color)}`,
      )
    indices.add(index)
    app.labels.load({ name, index, color })
  })
}

/** Loads the properties and the other parts of the domains. */
async function loadRecords(app: System, store: StateStore): Promise<void> {
  const domainOf = (qid: number, table: string): BaseVM => {
    const vm = app.domains.findQid(qid)
    if (!vm) throw damagedState(`the table ${table} has a row of a domain ${qid}, which the table domains has not`)
    return vm
  }
  const loadPart: LoadPart = (vm, part, load) => {
    try {
      load()
    } catch (error) {
      noteDamage(app, vm, part, error)
    }
  }
  await eachRow(store, 'global_properties', ([name, value]) => loadProperty(app, app.global, name, value))
  await eachRow(store, 'properties', ([qid, name, value]) =>
    loadProperty(app, domainOf(qid, 'properties'), name, value),
  )
  await eachRow(store, 'features', ([qid, name, position, value]) => {
    const vm = domainOf(qid, 'features')
    loadPart(vm, `feature ${JSON.stringify(name)}`, () => vm.features.load(checkedName(name), value, position))
  })
  await eachRow(store, 'tags', ([qid, tag]) => {
    const vm = domainOf(qid, 'tags')
    loadPart(vm, `tag ${JSON.stringify(tag)}`, () => vm.tags.load(checkedName(tag)))
  })
  await eachRow(store, 'notes', ([qid, text]) => domainOf(qid, 'notes').loadNotes(text))
  await eachRow(store, 'firewall', ([qid, rules]) => loadFirewall(app, domainOf(qid, 'firewall'), rules))
  await loadVolumes(store, domainOf, loadPart)
}

/** Checks the name of a label, feature or tag: a name with a newline would forge a line in printed lists. */
function isName(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function checkedName(text: string): string {
  if (!isName(text)) throw new QubesValueError(msg`its name is not valid`)
  return text
}

function loadProperty(app: System, holder: PropertyHolder, name: string, value: string | null): void {
  try {
    if (value === null) refuseUnlessNullable(holder, holder.property(name))
    holder.load(name, value)
  } catch (error) {
    noteDamage(app, holder, holder.damagePart(name), error)
  }
}

/** Accepts a stored None only for a property that parses the empty text as None. */
function refuseUnlessNullable(holder: PropertyHolder, property: AnyProperty): void {
  if (property.parse(holder, '') !== null) throw new QubesValueError(msg`${property.name} cannot be none`)
}

function loadFirewall(app: System, vm: BaseVM, rules: string): void {
  try {
    vm.firewall.load(rules === '' ? [] : rules.split('\n').map(parseFirewallRule))
  } catch (error) {
    vm.firewall.loadDamaged(errorText(error))
    noteDamage(app, vm, 'firewall', error)
  }
}

function noteDamage(app: System, holder: PropertyHolder, part: string, error: unknown): void {
  holder.damage.note(part, errorText(error))
  app.log.error('a stored value cannot be read: domains that depend on it cannot start', {
    object: holder.title,
    part,
    error: errorChain(error),
  })
}

function parseIntent([id, kind, subject, text]: RowOf<'intents'>): Intent {
  const known: IntentKind | undefined = intentKinds.find((one) => one === kind)
  let details: unknown
  try {
    details = JSON.parse(text)
  } catch {
    details = undefined
  }
  if (!known || typeof details !== 'object' || details === null)
    throw damagedState(`the intent ${id}, about ${JSON.stringify(subject)}, is of no kind that this release knows`)
  return { id, kind: known, subject, details: details as Intent['details'] }
}
