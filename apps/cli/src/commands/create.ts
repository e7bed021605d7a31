import { vmPropertySet, vmRemove } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesValueError } from '@cloister/kit'
import { required } from '../argument.ts'
import { CliError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { exitStatus } from '../exit-status.ts'
import { failureOf } from '../failure.ts'
import { pairs, text } from '../option.ts'
import { placementOf, placementOptions } from '../placement.ts'
import { valueForWire } from '../property-value.ts'
import { Spinner } from '../spinner.ts'

const defaultLabel = 'red'
const defaultClass = 'AppVM'

/** Sets properties of a new domain. When one is refused the domain goes again: half of what was asked for helps nobody. */
async function setProperties(
  client: AdminClient,
  dest: string,
  properties: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, value] of properties) {
    try {
      await client.call(vmPropertySet, { dest, argument: name, payload: valueForWire(name, value) })
    } catch (error) {
      await client.call(vmRemove, { dest })
      const { message, hint, status } = failureOf(error)
      throw new CliError(`${dest} was not made: ${message}`, status, hint, { cause: error })
    }
  }
}

/** Where a template is missing, says how to come by one. */
function explained(error: unknown, template: string | undefined): unknown {
  if (template !== undefined || !(error instanceof QubesValueError)) return error
  const hint = 'name one with --template; `cloister prefs --global default_template NAME` sets the default'
  return new CliError(error.message, exitStatus.usage, hint, { cause: error })
}

export const create: Command = defineCommand({
  description: [
    'Makes a domain; it is halted.',
    'An AppVM takes its root volume from a template and forgets changes to it when it stops; its private volume is kept. A StandaloneVM and a TemplateVM keep everything, and begin empty: `cloister template import` and `cloister volume import` fill them.',
  ],
  examples: [
    ['cloister create work --label blue', 'from the default template'],
    ['cloister create web --template debian-12 --prop memory=1024 --prop netvm=firewall', 'with its own settings'],
    ['cloister create store --class StandaloneVM --volume-pool private=big', 'its private volume in a pool of its own'],
  ],
  arguments: { name: required('NAME', 'its name: a letter, then letters, digits, "_", "." or "-"; 31 at most') },
  options: {
    class: text('CLASS', `its class (default: ${defaultClass})`, { short: 'C', complete: 'class' }),
    template: text('TEMPLATE', 'its template (default: the global default_template)', {
      short: 't',
      complete: 'template',
    }),
    label: text('LABEL', `its label (default: ${defaultLabel})`, { short: 'l', complete: 'label' }),
    prop: pairs('PROPERTY=VALUE', 'a property that it gets at once'),
    ...placementOptions,
  },
  async run(context, { name }, options) {
    const client = await connect(context)
    const pool = placementOf(options)
    const klass = options.class ?? defaultClass
    {
      using _ = new Spinner(context.output, `making ${name}`)
      const { template } = options
      const domain = { name, klass, label: options.label ?? defaultLabel, ...(pool !== undefined && { pool }) }
      await client.domains
        .create(template === undefined ? domain : { ...domain, template })
        .catch((error: unknown) => Promise.reject(explained(error, template)))
      await setProperties(client, name, options.prop)
    }
    if (context.output.isJson) context.output.json({ name, class: klass })
    context.output.done(`${name} made; \`cloister start ${name}\` starts it`)
  },
})
