import {
  type CallRow,
  vmFeatureCheckWithAdminVM,
  vmFeatureCheckWithNetvm,
  vmFeatureCheckWithTemplate,
  vmFeatureCheckWithTemplateAndAdminVM,
  vmFeatureGet,
  vmFeatureList,
  vmFeatureRemove,
  vmFeatureSet,
} from '@cloister/admin-protocol'
import { type App, type BaseVM, featureWithNetvm, removeFeature, setFeature } from '@cloister/core'
import { msg, QubesFeatureNotFoundError } from '@cloister/kit'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

type Lookup = (vm: BaseVM, name: string, app: App) => string | undefined

function missing(vm: BaseVM, name: string): QubesFeatureNotFoundError {
  return new QubesFeatureNotFoundError(msg`${vm.name} has no feature ${name}`)
}

function lookup(row: CallRow<string, undefined, string>, find: Lookup): HandledCall {
  return handle(row, ({ app, destination, argument }) => {
    const value = find(destination, argument, app)
    if (value === undefined) throw missing(destination, argument)
    return value
  })
}

const own: Lookup = (vm, name) => vm.features.find(name)
const withTemplate: Lookup = (vm, name) => vm.featureWithTemplate(name)
const ofAdmin: Lookup = (_vm, name, app) => app.adminVM.features.find(name)

export const featureHandlers: readonly HandledCall[] = [
  handle(vmFeatureList, ({ destination, argument }) =>
    onlyOne(
      destination.features.names(),
      argument,
      (name) => name,
      () => missing(destination, argument ?? ''),
    ),
  ),
  lookup(vmFeatureGet, own),
  lookup(vmFeatureCheckWithTemplate, withTemplate),
  lookup(vmFeatureCheckWithNetvm, featureWithNetvm),
  lookup(vmFeatureCheckWithAdminVM, (vm, name, app) => own(vm, name, app) ?? ofAdmin(vm, name, app)),
  lookup(
    vmFeatureCheckWithTemplateAndAdminVM,
    (vm, name, app) => withTemplate(vm, name, app) ?? ofAdmin(vm, name, app),
  ),
  handle(vmFeatureSet, async ({ source, dialect, destination, argument, payload }) => {
    await setFeature({ domain: source, dialect }, destination, argument, payload)
    return undefined
  }),
  handle(vmFeatureRemove, async ({ source, dialect, destination, argument }) => {
    await removeFeature({ domain: source, dialect }, destination, argument)
    return undefined
  }),
]
