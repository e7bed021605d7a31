import {
  type CallRow,
  type NamedPropertyValue,
  type PropertyValue,
  propertyGet,
  propertyGetAll,
  propertyGetDefault,
  propertyHelp,
  propertyReset,
  propertySet,
  type TypedValue,
  vmPropertyGet,
  vmPropertyGetAll,
  vmPropertyGetDefault,
  vmPropertyHelp,
  vmPropertyReset,
  vmPropertySet,
} from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { visibleText } from '@cloister/kit'
import { optional } from '../argument.ts'
import { UsageError } from '../cli-error.ts'
import { paint } from '../colour.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { chooseColumns, type ListChoices, type ListColumn, listOptions, printList } from '../list-output.ts'
import { flag } from '../option.ts'
import type { Output } from '../output.ts'
import { propertyJson } from '../property-json.ts'
import { valueForWire } from '../property-value.ts'

/** The calls about properties, of the whole system or of a domain. */
interface Calls {
  readonly get: CallRow<string, undefined, PropertyValue>
  readonly getAll: CallRow<undefined, undefined, readonly NamedPropertyValue[]>
  readonly getDefault: CallRow<string, undefined, TypedValue | undefined>
  readonly help: CallRow<string, undefined, string>
  readonly set: CallRow<string, string, undefined>
  readonly reset: CallRow<string, undefined, undefined>
}

const systemCalls: Calls = {
  get: propertyGet,
  getAll: propertyGetAll,
  getDefault: propertyGetDefault,
  help: propertyHelp,
  set: propertySet,
  reset: propertyReset,
}

const domainCalls: Calls = {
  get: vmPropertyGet,
  getAll: vmPropertyGetAll,
  getDefault: vmPropertyGetDefault,
  help: vmPropertyHelp,
  set: vmPropertySet,
  reset: vmPropertyReset,
}

const columns: readonly ListColumn<NamedPropertyValue>[] = [
  { key: 'property', value: ({ name }) => name },
  {
    key: 'value',
    value: propertyJson,
    show: ({ value, isDefault }) => ({ text: value, paint: (text) => paint(isDefault ? 'dim' : 'bold', text) }),
  },
  {
    key: 'default',
    value: ({ isDefault }) => isDefault,
    show: ({ isDefault }) => ({ text: isDefault ? 'yes' : 'no' }),
  },
  { key: 'type', value: ({ type }) => type },
]

/** Properties of one object: the system when `dest` is undefined. */
class Preferences {
  readonly #client: AdminClient
  readonly #output: Output
  readonly #dest: { readonly dest?: string }
  readonly #calls: Calls

  constructor(client: AdminClient, output: Output, dest: string | undefined) {
    this.#client = client
    this.#output = output
    this.#dest = dest === undefined ? {} : { dest }
    this.#calls = dest === undefined ? systemCalls : domainCalls
  }

  async list(changedOnly: boolean, choices: ListChoices): Promise<void> {
    const chosen = chooseColumns(columns, choices.columns)
    const all = await this.#client.call(this.#calls.getAll, this.#dest)
    printList(
      this.#output,
      chosen,
      all.filter(({ isDefault }) => !changedOnly || !isDefault),
      choices,
    )
  }

  async show(property: string): Promise<void> {
    const value = await this.#client.call(this.#calls.get, { ...this.#dest, argument: property })
    if (this.#output.isJson) {
      this.#output.json({ property, value: propertyJson(value), default: value.isDefault, type: value.type })
    } else this.#output.line(value.value)
  }

  async describe(property: string): Promise<void> {
    const call = { ...this.#dest, argument: property }
    const [value, byDefault, help] = await Promise.all([
      this.#client.call(this.#calls.get, call),
      this.#client.call(this.#calls.getDefault, call),
      this.#client.call(this.#calls.help, call),
    ])
    const standard = byDefault === undefined ? null : propertyJson(byDefault)
    if (this.#output.isJson) {
      this.#output.json({
        property,
        type: value.type,
        value: propertyJson(value),
        default: value.isDefault,
        default_value: standard,
        help,
      })
      return
    }
    for (const line of [
      `${property} (${value.type}): ${help}`,
      `  value    ${value.value}${value.isDefault ? ' (default)' : ''}`,
      `  default  ${byDefault === undefined ? '(none)' : byDefault.value}`,
    ])
      this.#output.paintedLine(visibleText(line))
  }

  async set(property: string, value: string): Promise<void> {
    const call = { ...this.#dest, argument: property }
    const payload = await valueForWire(value, () => this.#client.call(this.#calls.get, call))
    await this.#client.call(this.#calls.set, { ...call, payload })
    this.#changed(property, payload === '' ? 'none' : payload, payload)
  }

  async reset(property: string): Promise<void> {
    await this.#client.call(this.#calls.reset, { ...this.#dest, argument: property })
    this.#changed(property, 'reset to its default', null)
  }

  #changed(property: string, text: string, value: string | null): void {
    const subject = this.#dest.dest
    if (this.#output.isJson) this.#output.json({ domain: subject ?? null, property, value })
    this.#output.done(`${subject === undefined ? '' : `${subject}: `}${property} is ${text}`)
  }
}

export const prefs: Command = defineCommand({
  description: [
    'Shows and changes properties of a domain or, without a domain, of the whole system.',
    'Without PROPERTY the command lists all properties; without VALUE it prints the value of the property. The value `none` stands for no domain. New values of memory, kernel and other properties of the virtual machine take effect when the domain starts again.',
  ],
  examples: [
    ['cloister prefs work', 'all properties of work'],
    ['cloister prefs work memory 1024', 'change a property'],
    ['cloister prefs work netvm none', 'disconnect it from the network'],
    ['cloister prefs work netvm --reset', 'use the default again'],
    ['cloister prefs work kernelopts --describe', 'what the property is for'],
    ['cloister prefs', 'the properties of the system'],
    ['cloister prefs --global default_netvm firewall', 'change a property of the system'],
  ],
  arguments: {
    domain: optional('DOMAIN', 'the domain', 'domain'),
    property: optional('PROPERTY', 'the property', 'property'),
    value: optional('VALUE', 'its new value'),
  },
  options: {
    global: flag('a property of the system: the first argument is the property', { short: 'g' }),
    reset: flag('use the default of the property again', { short: 'D' }),
    describe: flag('explain the property'),
    changed: flag('list only properties that are set'),
    ...listOptions,
  },
  async run(context, words, { global, reset, describe, changed, ...choices }) {
    const given = [words.domain, words.property, words.value]
    const [dest, property, value] = global ? [undefined, ...given] : given
    if (global && words.value !== undefined)
      throw new UsageError('--global takes a property and a value, but no domain')
    const preferences = new Preferences(await connect(context), context.output, dest)
    if (property === undefined) {
      if (reset || describe) throw new UsageError('--reset and --describe need the name of a property')
      await preferences.list(changed, choices)
    } else if (reset) await preferences.reset(property)
    else if (value !== undefined) await preferences.set(property, value)
    else if (describe) await preferences.describe(property)
    else await preferences.show(property)
  },
})
