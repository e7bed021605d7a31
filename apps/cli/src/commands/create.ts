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

/** Sets properties of a new domain. When one is refused the domain is removed: the command succeeds or changes nothing. */
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

/** Makes the domain, without its properties. The error for a missing template says how to set one. */
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
  if (!classes.includes(klass))
    throw new UsageError(`there is no class ${klass}`, `the classes are ${classes.join(', ')}`)
  return klass
}

export const create: Command = defineCommand({
  description: [
    'Makes a domain. It is halted until it is started.',
    'An AppVM takes its root volume from a template at each start, and loses changes to it when it stops; its private volume is kept. A StandaloneVM and a TemplateVM keep all volumes. Their root volume is empty at first: `cloister volume import` fills it, and `cloister template import` makes a template from an image.',
  ],
  examples: [
    ['cloister create work --label blue', 'from the default template'],
    [
      'cloister create web --template debian-12 --prop memory=1024 --prop netvm=firewall',
      'with a template and properties',
    ],
    ['cloister create store --class StandaloneVM --volume-pool private=big', 'its private volume lies in the pool big'],
  ],
  arguments: { name: newDomain('NAME', `the name of the new domain: ${domainNameForm}`) },
  options: {
    class: text('CLASS', `class of the domain (default: ${defaultClass})`, { short: 'C', complete: 'class' }),
    template: text('TEMPLATE', 'template of the domain (default: the global default_template)', {
      short: 't',
      complete: 'template',
    }),
    label: text('LABEL', `label of the domain (default: ${defaultLabel})`, { short: 'l', complete: 'label' }),
    prop: pairs('PROPERTY=VALUE', 'set a property of the new domain'),
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
