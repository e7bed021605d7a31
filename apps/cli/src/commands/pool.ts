import { type PoolInfo, poolAdd, poolInfo, poolList, poolListDrivers, poolRemove } from '@cloister/admin-protocol'
import { newName, required } from '../argument.ts'
import { type Command, type CommandGroup, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../list-output.ts'
import { withPools } from '../missing.ts'
import { failureOfReading, type Reading, readEach, reportObjectFailures } from '../object-failures.ts'
import { pairs } from '../option.ts'
import { readingColumn } from '../reading-column.ts'
import { printRecord } from '../record-output.ts'
import { parseRevisions } from '../revisions.ts'
import { formatSize } from '../sizes.ts'

interface NamedPool {
  readonly name: string
  readonly reading: Reading<PoolInfo>
}

/** Pools that are asked at the same time. */
const concurrency = 8

function sizeText(bytes: bigint | undefined): string {
  return bytes === undefined ? '' : formatSize(bytes)
}

function percent({ size, usage }: PoolInfo): number | null {
  return size === undefined || usage === undefined || size === 0n ? null : Number((usage * 1000n) / size) / 10
}

const columns: readonly ListColumn<NamedPool>[] = [
  { key: 'name', value: ({ name }) => name },
  readingColumn('driver', ({ config }) => config.get('driver') ?? null),
  readingColumn('size', ({ size }) => size ?? null, { align: 'right', show: ({ size }) => sizeText(size) }),
  readingColumn('usage', ({ usage }) => usage ?? null, { align: 'right', show: ({ usage }) => sizeText(usage) }),
  readingColumn('percent', percent, { title: '%', align: 'right', show: (info) => percent(info)?.toFixed(0) ?? '' }),
  readingColumn('where', ({ config }) => config.get('dir_path') ?? config.get('volume_group') ?? null),
]

const ls: Command = defineCommand({
  description: [
    'Lists the pools and how full they are. What cannot be read of a pool is shown as "?", with the reason on standard error and a failing exit status.',
  ],
  examples: [['cloister pool ls', 'sizes are those of the file systems that hold the pools']],
  arguments: {},
  options: listOptions,
  async run(context, _, choices) {
    const chosen = chooseColumns(columns, choices.columns)
    const client = await connect(context)
    const readings = await readEach(await client.call(poolList, {}), concurrency, (argument) =>
      client.call(poolInfo, { argument }),
    )
    const pools = readings.map(({ item: name, reading }) => ({ name, reading }))
    printList(context.output, chosen, pools, choices)
    reportObjectFailures(
      context.output,
      pools.flatMap(({ name, reading }) => failureOfReading(`pool ${name}`, reading)),
    )
  },
})

const info: Command = defineCommand({
  description: ['Shows the settings of a pool and how full it is.'],
  examples: [['cloister pool info varlibqubes', 'the pool that is always there']],
  arguments: { pool: required('POOL', 'the pool', 'pool') },
  options: {},
  async run(context, { pool }) {
    const { config, size, usage, includedIn } = await withPools(context, [pool], (client) =>
      client.call(poolInfo, { argument: pool }),
    )
    const measured = { size: size ?? null, usage: usage ?? null, included_in: includedIn ?? null }
    printRecord(context.output, { ...Object.fromEntries(config), ...measured }, new Set(['size', 'usage']))
  },
})

const drivers: Command = defineCommand({
  description: ['Lists the storage drivers and the settings that a pool of each can have.'],
  examples: [['cloister pool drivers', 'the settings that `cloister pool add --set` accepts']],
  arguments: {},
  options: listOptions,
  async run(context, _, choices) {
    const driverColumns: readonly ListColumn<{ name: string; parameters: readonly string[] }>[] = [
      { key: 'driver', value: ({ name }) => name },
      { key: 'settings', value: ({ parameters }) => parameters },
    ]
    const found = await (await connect(context)).call(poolListDrivers, {})
    printList(context.output, chooseColumns(driverColumns, choices.columns), [...found], choices)
  },
})

const add: Command = defineCommand({
  description: ['Adds a pool. `cloister pool drivers` lists the drivers and their settings.'],
  examples: [
    ['cloister pool add big file-reflink --set dir_path=/srv/cloister', 'its volumes are files in that folder'],
  ],
  arguments: {
    name: newName('POOL', 'the name of the new pool'),
    driver: required('DRIVER', 'its storage driver', 'driver'),
  },
  options: { set: pairs('SETTING=VALUE', 'a setting of the driver') },
  async run(context, { name, driver }, { set }) {
    const revisions = set.get('revisions_to_keep')
    if (revisions !== undefined) parseRevisions(revisions, 'revisions_to_keep')
    await (await connect(context)).call(poolAdd, { argument: driver, payload: { name, config: set } })
    if (context.output.isJson) context.output.json({ name, driver, ...Object.fromEntries(set) })
    context.output.done(`pool ${name} added`)
  },
})

const remove: Command = defineCommand({
  description: ['Removes a pool that has no volumes. Other files in its folder stay.'],
  examples: [['cloister pool remove big', 'first remove the domains whose volumes it holds']],
  arguments: { name: required('POOL', 'the pool', 'pool') },
  options: {},
  async run(context, { name }) {
    await withPools(context, [name], (client) => client.call(poolRemove, { argument: name }))
    if (context.output.isJson) context.output.json({ name })
    context.output.done(`pool ${name} removed`)
  },
})

export const pool: CommandGroup = {
  description: ['Shows and changes pools: the places that hold the volumes of domains.'],
  examples: [],
  commands: [
    { name: 'ls', summary: 'list pools', command: ls },
    { name: 'info', summary: 'show the settings of a pool', command: info },
    { name: 'drivers', summary: 'list storage drivers', command: drivers },
    { name: 'add', summary: 'add a pool', command: add },
    { name: 'remove', summary: 'remove a pool', command: remove },
  ],
}
