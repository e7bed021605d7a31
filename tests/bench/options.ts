import { parseArgs } from 'node:util'

/** The options of the command line: what is measured. */
export interface Options {
  readonly quick: boolean
  /** Names of suites; all when empty. */
  readonly only: readonly string[]
  /** Numbers of domains, ascending. */
  readonly domains: readonly number[]
  readonly clients: readonly number[]
  /** The file to which the results are written as JSON. */
  readonly json: string | undefined
}

const standard = { domains: [10, 1000, 5000], clients: [1, 8, 64] } as const
/** The largest number of domains. */
const mostDomains = 9_000
const mostClients = 1_000

export const usage = `Usage: npm run bench -- [options]

  --only SUITE,...     of startup, reads, writes, life, events, cli, import, guest
  --domains N,...      numbers of domains (default: ${standard.domains})
  --clients N,...      clients that call at the same time (default: ${standard.clients})
  --quick              a fraction of a second for each figure: shows that it works, no more
  --json FILE          writes the figures to a file, too
  --help`

/** Reads the command line. @throws Error for an option or value that is not allowed */
export function parseOptions(args: readonly string[], suites: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      domains: { type: 'string' },
      clients: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const only = values.only?.split(',') ?? []
  const unknown = only.filter((name) => !suites.includes(name))
  if (unknown.length > 0) throw new Error(`there is no suite ${unknown.join(', ')}`)
  return {
    quick: values.quick,
    only,
    domains: numbers('domains', values.domains, mostDomains) ?? standard.domains,
    clients: numbers('clients', values.clients, mostClients) ?? standard.clients,
    json: values.json,
  }
}

/** Different whole numbers from 1 to `most`, ascending. */
function numbers(name: string, text: string | undefined, most: number): number[] | undefined {
  if (text === undefined) return undefined
  const all = [...new Set(text.split(',').map(Number))].sort((a, b) => a - b)
  if (all.every((number) => Number.isInteger(number) && number >= 1 && number <= most)) return all
  throw new Error(`--${name} takes numbers from 1 to ${most}, not ${text}`)
}
