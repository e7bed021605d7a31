import { vmCreate, vmPropertyGet, vmPropertySet, vmRemove } from '@cloister/admin-protocol'
import type { AdminClient, NewDomain } from '@cloister/client'
import { QubesValueError } from '@cloister/kit'
import { newDomain } from '../argument.ts'
import { CliError, UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { exitStatus } from '../exit-status.ts'
import { failureOf } from '../failure.ts'
import { withPools } from '../missing.ts'
import { domainNameForm } from '../name-check.ts'
import { pairs, text } from '../option.ts'
import { placementOf, placementOptions, poolsIn } from '../placement.ts'
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
  for (const [argument, value] of properties) {
    try {
      const payload = await valueForWire(value, () => client.call(vmPropertyGet, { dest, argument }))
      await client.call(vmPropertySet, { dest, argument, payload })
    } catch (error) {
      await client.call(vmRemove, { dest })
      const { message, hint, status } = failureOf(error)
      throw new CliError(`${dest} was not made: ${message}`, status, hint, { cause: error })
    }
  }
}

/** Makes the domain, without its properties. Where a template is missing it says how to come by one. */
async function make(client: AdminClient, domain: NewDomain): Promise<void> {
  try {
    await client.domains.create(domain)
  } catch (error) {
    if (domain.template !== undefined || !(error instanceof QubesValueError)) throw error
    const hint = 'name one with --template; `cloister prefs --global default_template NAME` sets the default'
    throw new CliError(error.message, exitStatus.usage, hint, { cause: error })
  }
}

/** @throws UsageError */
function checkClass(klass: string): string {
  const classes = vmCreate.variants ?? []
  if (!classes.includes(klass)) throw new UsageError(`there is no class ${klass}`, `there are ${classes.join(', ')}`)
  return klass
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
  arguments: { name: newDomain('NAME', `the name of the new domain: ${domainNameForm}`) },
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
  async run(context, { name }, { template, prop, ...options }) {
    const { output } = context
    const placement = placementOf(options)
    const pools = poolsIn(placement)
    const domain: NewDomain = {
      name,
      klass: checkClass(options.class ?? defaultClass),
      label: options.label ?? defaultLabel,
      ...(template !== undefined && { template }),
      ...(pools.length > 0 && { pool: placement.pool ?? placement.pools }),
    }
    {
      using _ = new Spinner(output, `making ${name}`)
      await withPools(context, pools, async (client) => {
        await make(client, domain)
        await setProperties(client, name, prop)
      })
    }
    if (output.isJson) output.json({ name, class: domain.klass })
    output.done(`${name} made; \`cloister start ${name}\` starts it`)
  },
})
