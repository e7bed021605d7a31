import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { anyText, joinLines, splitLines } from '../text-forms.ts'
import { formatPairs, KeyValues } from './key-values.ts'
import { newPoolName, volumeId } from './names.ts'
import { size } from './numbers.ts'

/** What `pool.Info` says of a pool; sizes in bytes. */
export interface PoolInfo {
  /** Name, driver and the driver's settings; booleans are `True` and `False` in every dialect. */
  readonly config: ReadonlyMap<string, string>
  readonly size: bigint | undefined
  readonly usage: bigint | undefined
  /** The pool that this one lies in. */
  readonly includedIn: string | undefined
}

const text = anyText('<pool>')

/**
 * Reply of `pool.Info`: settings sorted by key, then size and usage (reference: admin-api, 3.7). Settings are sent as the
 * driver stores them, in every dialect.
 */
export const poolInfoForm: TextForm<PoolInfo> = {
  syntax: '<property>=<value>\\n…',
  parse(content) {
    const values = new KeyValues(splitLines(content))
    return {
      config: new Map(values.without('size', 'usage', 'included_in')),
      size: values.find('size', size),
      usage: values.find('usage', size),
      includedIn: values.find('included_in', text),
    }
  },
  format({ config, size, usage, includedIn }) {
    const settings = [...config].sort(([a], [b]) => (a < b ? -1 : 1))
    return joinLines(
      formatPairs([...settings, ['size', size?.toString()], ['usage', usage?.toString()], ['included_in', includedIn]]),
    )
  },
}

/** Space of a pool in bytes; what the driver does not know is undefined. */
export interface PoolUsage {
  readonly dataSize: bigint | undefined
  readonly dataUsage: bigint | undefined
  readonly metadataSize: bigint | undefined
  readonly metadataUsage: bigint | undefined
}

/** Reply of `pool.UsageDetails`. */
export const poolUsage: TextForm<PoolUsage> = {
  syntax: '<property>=<bytes>\\n…',
  parse(content) {
    const values = new KeyValues(splitLines(content))
    return {
      dataSize: values.find('data_size', size),
      dataUsage: values.find('data_usage', size),
      metadataSize: values.find('metadata_size', size),
      metadataUsage: values.find('metadata_usage', size),
    }
  },
  format: (usage) =>
    joinLines(
      formatPairs([
        ['data_size', usage.dataSize?.toString()],
        ['data_usage', usage.dataUsage?.toString()],
        ['metadata_size', usage.metadataSize?.toString()],
        ['metadata_usage', usage.metadataUsage?.toString()],
      ]),
    ),
}

/** A storage driver and its settings, as `pool.ListDrivers` shows it. */
export interface PoolDriver {
  readonly name: string
  readonly parameters: readonly string[]
}

/** A line of `pool.ListDrivers`. */
export const poolDriver: TextForm<PoolDriver> = {
  syntax: '<driver> <parameter>…',
  parse(line) {
    const [name = '', ...parameters] = line.split(' ')
    return { name, parameters }
  },
  format: ({ name, parameters }) => [name, ...parameters].join(' '),
}

/** Payload of `pool.Add`; the driver checks its settings later. */
export interface NewPool {
  readonly name: string
  /** Settings for the driver, without the name. */
  readonly config: ReadonlyMap<string, string>
}

/** Lines `key=value`, each key once, `name=` among them; the last newline may be missing. */
export const newPool: TextForm<NewPool> = {
  syntax: 'name=<pool>\\n<parameter>=<value>\\n…',
  parse(content) {
    if (!/^[\n -~]*$/.test(content)) throw new ProtocolError(msg`settings of a pool hold printable characters only`)
    const values = new KeyValues(splitLines(content.endsWith('\n') ? content : `${content}\n`))
    return { name: values.get('name', newPoolName), config: values.without('name') }
  },
  format: ({ name, config }) => joinLines(formatPairs([['name', name], ...config])),
}

/** Payload of `pool.volume.*`: a volume by its vid in the pool, and a value for the call. */
export interface VolumeOfPool<T> {
  readonly vid: string
  readonly value: T
}

/** `<vid> <value>`. */
export function volumeAnd<T>(value: TextForm<T>): TextForm<VolumeOfPool<T>> {
  return {
    syntax: `${volumeId.syntax} ${value.syntax}`,
    parse(content) {
      const at = content.indexOf(' ')
      if (at < 0) throw new ProtocolError(msg`a volume and, after a space, ${value.syntax} were expected`)
      return { vid: volumeId.parse(content.slice(0, at)), value: value.parse(content.slice(at + 1)) }
    },
    format: (request) => `${request.vid} ${value.format(request.value)}`,
  }
}

/** `<vid>`, or `<vid> <value>`. */
export function volumeAndMaybe<T>(value: TextForm<T>): TextForm<VolumeOfPool<T | undefined>> {
  const both = volumeAnd(value)
  return {
    syntax: `${volumeId.syntax} [${value.syntax}]`,
    parse: (content) =>
      content.includes(' ') ? both.parse(content) : { vid: volumeId.parse(content), value: undefined },
    format: ({ vid, value }) => (value === undefined ? vid : both.format({ vid, value })),
  }
}

/** `<vid>` alone. */
export const volumeAlone: TextForm<VolumeOfPool<undefined>> = {
  syntax: volumeId.syntax,
  parse: (content) => ({ vid: volumeId.parse(content), value: undefined }),
  format: ({ vid }) => vid,
}
