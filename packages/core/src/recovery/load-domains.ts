import { isDomainName } from '@cloister/admin-protocol'
import { AdminVM } from '../domains/admin-vm.ts'
import { type BaseVM, type VMClass, vmClasses } from '../domains/base-vm.ts'
import type { System } from '../domains/system.ts'
import { makeDomain } from '../domains/vm-classes.ts'
import type { StateStore } from '../state/state-store.ts'
import { allRows, damagedState, eachRow } from './stored-rows.ts'

/** Templates come before the domains that are based on them. */
const loadOrder: readonly VMClass[] = ['AdminVM', 'RemoteVM', 'TemplateVM', 'StandaloneVM', 'AppVM', 'DispVM']

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Creates the stored domains with number, class, name and uuid; false when no domain is stored.
 * @throws StateStoreError when one of these cannot be read: if that domain were left out, a new domain could get its name and
 *   its images
 */
export async function loadDomains(app: System, store: StateStore): Promise<boolean> {
  const rows = await allRows(store, 'domains')
  const identities = new Map<number, { name?: string; uuid?: string }>(rows.map(([qid]) => [qid, {}]))
  await eachRow(store, 'properties', ([qid, property, value]) => {
    const identity = identities.get(qid)
    if (identity && (property === 'name' || property === 'uuid') && value !== null) identity[property] = value
  })
  const classes = rows.map(([qid, klass]) => [qid, parseClass(qid, klass)] as const)
  for (const [qid, klass] of classes.sort(([, a], [, b]) => loadOrder.indexOf(a) - loadOrder.indexOf(b))) {
    const vm = makeStored(app, qid, klass, identities.get(qid) ?? {})
    if (app.domains.find(vm.name)) throw damagedState(`two domains have the name ${vm.name}`)
    if (app.domains.findUuid(vm.uuid)) throw damagedState(`two domains have the uuid of ${vm.name}`)
    vm.registered = true
    app.domains.load(vm)
  }
  if (rows.length > 0 && !(app.domains.findQid(0) instanceof AdminVM)) throw damagedState('the admin domain is missing')
  return rows.length > 0
}

function parseClass(qid: number, klass: string): VMClass {
  const known = vmClasses.find((name) => name === klass)
  if (known && qid >= 0 && (known === 'AdminVM') === (qid === 0)) return known
  throw damagedState(`the domain with the number ${qid} has the class ${JSON.stringify(klass)}`)
}

function makeStored(
  app: System,
  qid: number,
  klass: VMClass,
  { name, uuid }: { name?: string; uuid?: string },
): BaseVM {
  if (klass === 'AdminVM') return new AdminVM(app)
  if (name === undefined || !isDomainName(name)) throw damagedState(`the domain with the number ${qid} has no name`)
  if (uuid === undefined || !uuidPattern.test(uuid)) throw damagedState(`the domain ${name} has no valid uuid`)
  return makeDomain(app, klass, { name, qid, uuid })
}
