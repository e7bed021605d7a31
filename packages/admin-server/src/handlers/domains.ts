import {
  type CloneRequest,
  type CreateRequest,
  type DomainListItem,
  type Placement,
  vmClone,
  vmCloneInPool,
  vmCreate,
  vmCreateDisposable,
  vmCreateInPool,
  vmCreateTemplate,
  vmCreateTemplateAs,
  vmList,
  vmRemove,
} from '@cloister/admin-protocol'
import {
  AdminVM,
  type BaseVM,
  cloneDomain,
  createDomain,
  createTemplate,
  defaultDispvmOf,
  type PoolChoice,
  type VMClass,
} from '@cloister/core'
import { msg, QubesException, QubesVMNotFoundError } from '@cloister/kit'
import { adoptedFormats } from '@cloister/storage'
import { type Call, type HandledCall, handle, onlyOne } from '../handler.ts'

function listItem({ name, klass, powerState, uuid }: BaseVM): DomainListItem {
  return { name, klass, state: powerState, uuid }
}

function poolChoice({ pool, pools }: Placement): PoolChoice {
  return { ...(pool !== undefined && { pool }), ...(pools.size > 0 && { pools }) }
}

async function create({
  app,
  source,
  argument,
  payload,
  variant,
}: Call<string | undefined, CreateRequest>): Promise<undefined> {
  await createDomain(app, variant as VMClass, {
    name: payload.name,
    label: payload.label,
    ...(argument !== undefined && { template: argument }),
    pools: poolChoice(payload),
    creator: source,
  })
  return undefined
}

async function clone({ source, destination, payload }: Call<undefined, CloneRequest>): Promise<undefined> {
  await cloneDomain(destination, { name: payload.name, pools: poolChoice(payload), creator: source })
  return undefined
}

async function makeTemplate({ app, source, argument, variant, body }: Call<string, undefined>): Promise<undefined> {
  const format = adoptedFormats.find((one) => one === variant)
  await createTemplate(app, { name: argument, creator: source, image: body, format, limits: app.imageLimits })
  return undefined
}

async function createDisposable({
  app,
  source,
  destination,
  argument,
  payload,
}: Call<'preload' | undefined, 'uuid' | undefined>): Promise<string | undefined> {
  const template = destination instanceof AdminVM ? defaultDispvmOf(source) : destination
  if (!template) throw new QubesException(msg`${source.name} has no default_dispvm: set one, or name the template`)
  if (argument === 'preload') {
    await app.preloads.autostartFor(template)
    return undefined
  }
  const vm = await app.preloads.request(template, source)
  return payload === 'uuid' ? `uuid:${vm.uuid}` : vm.name
}

export const domainHandlers: readonly HandledCall[] = [
  handle(vmList, ({ app, access, source, destination, argument }) => {
    const all = destination instanceof AdminVM ? app.domains.sorted() : [destination]
    const domains = all.filter((vm) => access.seesDomain(source, vm))
    const missing = (): Error => new QubesVMNotFoundError(msg`No such domain: ${argument ?? ''}`)
    return onlyOne(domains, argument, ({ name }) => name, missing).map(listItem)
  }),
  handle(vmCreate, create),
  handle(vmCreateInPool, create),
  handle(vmCreateTemplate, makeTemplate),
  handle(vmCreateTemplateAs, makeTemplate),
  handle(vmCreateDisposable, createDisposable),
  handle(vmClone, clone),
  handle(vmCloneInPool, clone),
  handle(vmRemove, async ({ app, destination }) => {
    await app.removeDomain(destination)
    return undefined
  }),
]
