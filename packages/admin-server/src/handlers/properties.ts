import {
  type CallRow,
  type NamedPropertyValue,
  type PropertyValue,
  propertyGet,
  propertyGetAll,
  propertyGetDefault,
  propertyHelp,
  propertyHelpRst,
  propertyList,
  propertyReset,
  propertySet,
  type TypedValue,
  vmPropertyGet,
  vmPropertyGetAll,
  vmPropertyGetDefault,
  vmPropertyHelp,
  vmPropertyHelpRst,
  vmPropertyList,
  vmPropertyReset,
  vmPropertySet,
} from '@cloister/admin-protocol'
import {
  type AnyProperty,
  type App,
  type BaseVM,
  type PropertyHolder,
  resetProperty,
  type SystemObject,
  setProperty,
} from '@cloister/core'
import { type Call, type HandledCall, handle, orBroken } from '../handler.ts'

function textOf(property: AnyProperty, value: unknown): string {
  return value === undefined || value === null ? '' : property.format(value)
}

function read(holder: PropertyHolder, property: AnyProperty): PropertyValue {
  return { isDefault: holder.isDefault(property), type: property.type, value: textOf(property, holder.get(property)) }
}

/** All properties; one that cannot be read, as when its object is gone, has the empty value. */
function readAll(app: App, holder: PropertyHolder): NamedPropertyValue[] {
  return Array.from(holder.propertyTable.values(), (property) => {
    const { name, type } = property
    const broken = { isDefault: holder.isDefault(property), type, value: '' }
    return { name, ...orBroken(app, `${holder.title}: ${name}`, () => read(holder, property), broken) }
  })
}

function readDefault(holder: PropertyHolder, name: string): TypedValue | undefined {
  const property = holder.property(name)
  if (!property.hasDefault) return undefined
  return { type: property.type, value: textOf(property, property.fallback(holder)) }
}

/** A property as reStructuredText: a field list (reference: mgmt-dialect, HelpRst). */
function helpRst(holder: PropertyHolder, name: string): string {
  const property = holder.property(name)
  const standard = property.hasDefault ? textOf(property, property.fallback(holder)) || 'none' : 'no default'
  const writable = { always: 'yes', once: 'only at creation', never: 'no, it is computed' }[property.writable]
  const fields = [
    ['property', name],
    ['type', property.type],
    ['default', standard],
    ['writable', writable],
  ]
  return `${property.help}\n\n${fields.map(([key, value]) => `:${key}: ${value}\n`).join('')}`
}

/** The rows that global properties and properties of domains have in common. */
interface Rows {
  readonly list: CallRow<string | undefined, undefined, readonly string[]>
  readonly get: CallRow<string, undefined, PropertyValue>
  readonly getAll: CallRow<undefined, undefined, readonly NamedPropertyValue[]>
  readonly getDefault: CallRow<string, undefined, TypedValue | undefined>
  readonly help: CallRow<string, undefined, string>
  readonly helpRst: CallRow<string, undefined, string>
  readonly set: CallRow<string, string, undefined>
  readonly reset: CallRow<string, undefined, undefined>
}

function handlersFor(
  rows: Rows,
  holderOf: (call: Pick<Call<unknown, unknown>, 'app' | 'destination'>) => BaseVM | SystemObject,
): HandledCall[] {
  return [
    handle(rows.list, (call) => {
      const holder = holderOf(call)
      return call.argument === undefined ? [...holder.propertyTable.keys()] : [holder.property(call.argument).name]
    }),
    handle(rows.get, (call) => read(holderOf(call), holderOf(call).property(call.argument))),
    handle(rows.getAll, (call) => readAll(call.app, holderOf(call))),
    handle(rows.getDefault, (call) => readDefault(holderOf(call), call.argument)),
    handle(rows.help, (call) => holderOf(call).property(call.argument).help),
    handle(rows.helpRst, (call) => helpRst(holderOf(call), call.argument)),
    handle(rows.set, async (call) => {
      await setProperty(holderOf(call), call.argument, call.payload)
      return undefined
    }),
    handle(rows.reset, async (call) => {
      await resetProperty(holderOf(call), call.argument)
      return undefined
    }),
  ]
}

const globalRows: Rows = {
  list: propertyList,
  get: propertyGet,
  getAll: propertyGetAll,
  getDefault: propertyGetDefault,
  help: propertyHelp,
  helpRst: propertyHelpRst,
  set: propertySet,
  reset: propertyReset,
}

const domainRows: Rows = {
  list: vmPropertyList,
  get: vmPropertyGet,
  getAll: vmPropertyGetAll,
  getDefault: vmPropertyGetDefault,
  help: vmPropertyHelp,
  helpRst: vmPropertyHelpRst,
  set: vmPropertySet,
  reset: vmPropertyReset,
}

export const propertyHandlers: readonly HandledCall[] = [
  ...handlersFor(globalRows, ({ app }) => app.global),
  ...handlersFor(domainRows, ({ destination }) => destination),
]
