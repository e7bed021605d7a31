import { msg, ProtocolError, type Untrusted } from '@cloister/kit'
import type { AnyCallRow, CallRow, Destination, Dialect, DialectName } from './call-row.ts'
import type { InputCodec } from './codec.ts'
import * as backup from './rows/backup.ts'
import * as classes from './rows/classes.ts'
import * as devices from './rows/devices.ts'
import * as domains from './rows/domains.ts'
import * as eventStreams from './rows/events.ts'
import * as features from './rows/features.ts'
import * as firewall from './rows/firewall.ts'
import * as internal from './rows/internal.ts'
import * as labels from './rows/labels.ts'
import * as pools from './rows/pools.ts'
import * as power from './rows/power.ts'
import * as problems from './rows/problems.ts'
import * as properties from './rows/properties.ts'
import * as tagsAndNotes from './rows/tags-notes.ts'
import * as volumes from './rows/volumes.ts'

const groups = [
  classes,
  labels,
  domains,
  properties,
  features,
  tagsAndNotes,
  power,
  volumes,
  pools,
  firewall,
  devices,
  backup,
  problems,
  eventStreams,
  internal,
]

/** The table of all calls. */
export const allCalls: readonly AnyCallRow[] = groups.flatMap((group) => Object.values<AnyCallRow>(group))

/** A call that was found by its name. */
export interface FoundCall {
  readonly name: string
  readonly row: AnyCallRow
  readonly dialectName: DialectName
  readonly dialect: Dialect<unknown, unknown, unknown>
  /** Which of the row's variants: the class in `vm.Create.<class>`. */
  readonly variant: string | undefined
  readonly destination: Destination
}

const prefixes: Readonly<Record<DialectName, string>> = { admin: 'admin.', mgmt: 'mgmt.', plain: '' }
const dialectNames: readonly DialectName[] = ['admin', 'mgmt', 'plain']
/** The part of a row's key that each variant replaces: `<class>`, `<format>`. */
const placeholder = /<[a-z]+>/

/** The name of a call on the wire. */
export function callName<A, P, R>(row: CallRow<A, P, R>, dialect: DialectName, variant?: string): string {
  return prefixes[dialect] + (variant === undefined ? row.key : row.key.replace(placeholder, variant))
}

function* namesOf(row: AnyCallRow): Iterable<FoundCall> {
  for (const dialectName of dialectNames) {
    const dialect = row[dialectName]
    if (dialect === undefined) continue
    const destination = dialect.destination ?? row.destination
    for (const variant of row.variants ?? [undefined]) {
      yield { name: callName(row, dialectName, variant), row, dialectName, dialect, variant, destination }
    }
  }
}

const byName: ReadonlyMap<string, FoundCall> = new Map(
  allCalls.flatMap((row) => [...namesOf(row)].map((call) => [call.name, call] as const)),
)

/** All names under which calls are served. */
export const callNames: readonly string[] = [...byName.keys()]

/** The call of that name, or undefined. Whether a socket serves it is for the caller to check, by `row.socket`. */
export function findCall(name: string): FoundCall | undefined {
  return byName.get(name)
}

function refusePresence(what: string, codec: InputCodec<unknown>, call: string, given: Untrusted<Uint8Array>): void {
  const isEmpty = given.parse((bytes) => bytes.length === 0)
  if (codec.presence === 'none' && !isEmpty) throw new ProtocolError(msg`${call} takes no ${what}`)
  if (codec.presence === 'required' && isEmpty) throw new ProtocolError(msg`${call} needs its ${what}: ${codec.syntax}`)
}

/**
 * Refuses a payload or an argument that the call does not take, and a missing one that the call requires. The payload is checked
 * first, unless it is streamed (reference: admin-api, 1.2 rule 8). The contents are not examined.
 * @throws ProtocolError
 */
export function refuseWrongPresence(
  call: FoundCall,
  argument: Untrusted<Uint8Array>,
  payload: Untrusted<Uint8Array>,
): void {
  if (call.row.stream !== 'payload') refusePresence('payload', call.dialect.payload, call.name, payload)
  refusePresence('argument', call.dialect.argument, call.name, argument)
}
