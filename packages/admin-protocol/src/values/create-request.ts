import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'
import { parseDomainName } from './domain-name.ts'
import { splitPair } from './key-values.ts'
import { labelName } from './names.ts'

/** Volumes that a pool can be chosen for. */
const placedVolumes: ReadonlySet<string> = new Set(['root', 'private', 'volatile', 'kernel'])

/** Where the volumes of a new domain go: all into one pool, or some into pools of their own. */
export interface Placement {
  readonly pool: string | undefined
  /** Pool by volume; empty when `pool` is given. */
  readonly pools: ReadonlyMap<string, string>
}

/** Payload of `vm.Clone` and `vm.CloneInPool`. */
export interface CloneRequest extends Placement {
  readonly name: string
}

/** Payload of `vm.Create.*` and `vm.CreateInPool.*`. */
export interface CreateRequest extends CloneRequest {
  readonly label: string
}

/** Reads the value of a key into the request; throws when the value is not valid. */
type Reader = (value: string) => string

const nameReader: Reader = parseDomainName
const labelReader: Reader = (value) => labelName.parse(value)
const poolReader: Reader = (value) => value

/** Reads the `key=value` words of a request. A key may occur once; values are checked in their order (reference: admin-api, 3.2). */
function readWords(text: string, readers: ReadonlyMap<string, Reader>): Map<string, string> {
  const values = new Map<string, string>()
  for (const word of text.split(' ')) {
    const [key, value] = splitPair(word)
    const reader = readers.get(key)
    if (reader === undefined) throw new ProtocolError(msg`unexpected key: ${quoted(key)}`)
    if (values.has(key)) throw new ProtocolError(msg`${key} is given twice`)
    values.set(key, reader(value))
  }
  return values
}

function need(values: ReadonlyMap<string, string>, key: string): string {
  const value = values.get(key)
  if (value === undefined) throw new ProtocolError(msg`${key}= is missing`)
  return value
}

function placementOf(values: ReadonlyMap<string, string>): Placement {
  const pools = new Map<string, string>()
  for (const [key, value] of values) if (key.startsWith('pool:')) pools.set(key.slice('pool:'.length), value)
  const pool = values.get('pool')
  if (pool !== undefined && pools.size > 0) throw new ProtocolError(msg`pool= and pool:<volume>= exclude each other`)
  return { pool, pools }
}

function formatPlacement({ pool, pools }: Placement): string {
  const words = [...pools].map(([volume, name]) => ` pool:${volume}=${name}`)
  return (pool === undefined ? '' : ` pool=${pool}`) + words.join('')
}

const placementReaders: readonly (readonly [string, Reader])[] = [
  ['pool', poolReader],
  ...[...placedVolumes].map((volume) => [`pool:${volume}`, poolReader] as const),
]

function createForm(placement: readonly (readonly [string, Reader])[], syntax: string): TextForm<CreateRequest> {
  const readers = new Map([['name', nameReader] as const, ['label', labelReader] as const, ...placement])
  return {
    syntax: `name=<name> label=<label>${syntax}`,
    parse(text) {
      const values = readWords(text, readers)
      return { name: need(values, 'name'), label: need(values, 'label'), ...placementOf(values) }
    },
    format: (request) => `name=${request.name} label=${request.label}${formatPlacement(request)}`,
  }
}

function cloneForm(placement: readonly (readonly [string, Reader])[], syntax: string): TextForm<CloneRequest> {
  const readers = new Map([['name', nameReader] as const, ...placement])
  return {
    syntax: `name=<name>${syntax}`,
    parse(text) {
      const values = readWords(text, readers)
      return { name: need(values, 'name'), ...placementOf(values) }
    },
    format: (request) => `name=${request.name}${formatPlacement(request)}`,
  }
}

const placementSyntax = ' [pool=<pool>|pool:<volume>=<pool>…]'

/** `name=<name> label=<label>` in any order. */
export const createRequest: TextForm<CreateRequest> = createForm([], '')

/** As `createRequest`, with pools. */
export const createInPoolRequest: TextForm<CreateRequest> = createForm(placementReaders, placementSyntax)

/** `name=<name>`. */
export const cloneRequest: TextForm<CloneRequest> = cloneForm([], '')

/** As `cloneRequest`, with pools. */
export const cloneInPoolRequest: TextForm<CloneRequest> = cloneForm(placementReaders, placementSyntax)
