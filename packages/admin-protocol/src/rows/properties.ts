import {
  bothDialects,
  type CallRow,
  type Dialect,
  globalRead,
  globalWrite,
  localRead,
  localWrite,
} from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { anyText, lines, orEmpty } from '../text-forms.ts'
import { adminBoolean, mgmtBoolean } from '../values/boolean-words.ts'
import { propertyName } from '../values/names.ts'
import {
  defaultValue,
  type NamedPropertyValue,
  newPropertyValue,
  type PropertyValue,
  propertyListing,
  propertyValue,
  type TypedValue,
} from '../values/property-value.ts'

// Every row says in `summary` what its call does. Each call exists twice, for the whole system and for one domain;
// reference: admin-api, 3.3.

/** Both dialects of one call. */
interface Both<A, P, R> {
  readonly admin: Dialect<A, P, R>
  readonly mgmt: Dialect<A, P, R>
}

const names = reply(lines(propertyName))
const argument = required(propertyName)
const help = reply(anyText('<text>'))

const list: Both<string | undefined, undefined, readonly string[]> = {
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(propertyName), payload: nothing, reply: names },
}
const get: Both<string, undefined, PropertyValue> = {
  admin: { argument, payload: nothing, reply: reply(propertyValue(adminBoolean)) },
  mgmt: { argument, payload: nothing, reply: reply(propertyValue(mgmtBoolean)) },
}
const getAll: Dialect<undefined, undefined, readonly NamedPropertyValue[]> = {
  argument: nothing,
  payload: nothing,
  reply: reply(propertyListing),
}
const getDefault: Dialect<string, undefined, TypedValue | undefined> = {
  argument,
  payload: nothing,
  reply: reply(orEmpty(defaultValue)),
}
const getHelp: Dialect<string, undefined, string> = { argument, payload: nothing, reply: help }
const set: Dialect<string, string, undefined> = { argument, payload: newPropertyValue, reply: noReply }
const reset: Dialect<string, undefined, undefined> = { argument, payload: nothing, reply: noReply }

export const propertyList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...globalRead,
  key: 'property.List',
  summary: 'Lists the properties of the system.',
  ...list,
}

export const propertyGet: CallRow<string, undefined, PropertyValue> = {
  ...globalRead,
  key: 'property.Get',
  summary: 'Returns the value of a property of the system.',
  ...get,
}

export const propertyGetAll: CallRow<undefined, undefined, readonly NamedPropertyValue[]> = {
  ...globalRead,
  key: 'property.GetAll',
  summary: 'Returns the values of all properties of the system.',
  admin: getAll,
}

export const propertyGetDefault: CallRow<string, undefined, TypedValue | undefined> = {
  ...globalRead,
  key: 'property.GetDefault',
  summary: 'Returns the default of a property of the system.',
  admin: getDefault,
}

export const propertyHelp: CallRow<string, undefined, string> = {
  ...globalRead,
  key: 'property.Help',
  summary: 'Describes a property of the system.',
  ...bothDialects(getHelp),
}

export const propertyHelpRst: CallRow<string, undefined, string> = {
  ...globalRead,
  key: 'property.HelpRst',
  summary: 'Describes a property of the system in reStructuredText.',
  mgmt: getHelp,
}

export const propertySet: CallRow<string, string, undefined> = {
  ...globalWrite,
  key: 'property.Set',
  summary: 'Sets a property of the system.',
  ...bothDialects(set),
}

export const propertyReset: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'property.Reset',
  summary: 'Resets a property of the system to its default.',
  ...bothDialects(reset),
}

export const vmPropertyList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.property.List',
  summary: 'Lists the properties of a domain.',
  ...list,
}

export const vmPropertyGet: CallRow<string, undefined, PropertyValue> = {
  ...localRead,
  key: 'vm.property.Get',
  summary: 'Returns the value of a property of a domain.',
  ...get,
}

export const vmPropertyGetAll: CallRow<undefined, undefined, readonly NamedPropertyValue[]> = {
  ...localRead,
  key: 'vm.property.GetAll',
  summary: 'Returns the values of all properties of a domain.',
  admin: getAll,
}

export const vmPropertyGetDefault: CallRow<string, undefined, TypedValue | undefined> = {
  ...localRead,
  key: 'vm.property.GetDefault',
  summary: 'Returns the default of a property of a domain.',
  admin: getDefault,
}

export const vmPropertyHelp: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.property.Help',
  summary: 'Describes a property of a domain.',
  ...bothDialects(getHelp),
}

export const vmPropertyHelpRst: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.property.HelpRst',
  summary: 'Describes a property of a domain in reStructuredText.',
  mgmt: getHelp,
}

export const vmPropertySet: CallRow<string, string, undefined> = {
  ...localWrite,
  key: 'vm.property.Set',
  summary: 'Sets a property of a domain.',
  ...bothDialects(set),
}

export const vmPropertyReset: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.property.Reset',
  summary: 'Resets a property of a domain to its default.',
  ...bothDialects(reset),
}
