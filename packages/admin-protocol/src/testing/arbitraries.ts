import fc from 'fast-check'
import type { DomainListItem } from '../values/domain-list-item.ts'
import { isDomainName } from '../values/domain-name.ts'
import type { FirewallRule } from '../values/firewall-rule.ts'
import type { PoolInfo } from '../values/pool-info.ts'
import { powerStates } from '../values/power-state.ts'
import type { Problem } from '../values/problem.ts'
import type { PropertyValue } from '../values/property-value.ts'
import type { VolumeInfo } from '../values/volume-info.ts'

// Values of every kind that travels.

/** Texts that match a pattern as a whole. */
export const like = (pattern: RegExp): fc.Arbitrary<string> => fc.stringMatching(pattern)

export const word: fc.Arbitrary<string> = like(/^[A-Za-z0-9_.:/-]{1,20}$/)
export const printable: fc.Arbitrary<string> = like(/^[ -~]{0,40}$/)
export const anyText: fc.Arbitrary<string> = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())
export const domainName: fc.Arbitrary<string> = like(/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/).filter(isDomainName)
export const label: fc.Arbitrary<string> = like(/^[A-Za-z_.-][A-Za-z0-9_.-]{0,20}$/)
export const size: fc.Arbitrary<bigint> = fc.bigInt(0n, 10n ** 19n - 1n)

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

const uuid: fc.Arbitrary<string> = fc.uuid()

export const domainListItem = (hasUuid: boolean): fc.Arbitrary<DomainListItem> =>
  fc.record({
    name: domainName,
    klass: like(/^[A-Za-z]{1,10}$/),
    state: fc.constantFrom(...powerStates),
    uuid: hasUuid ? uuid : fc.constant(undefined),
  })

const plainValue = fc.record({
  isDefault: fc.boolean(),
  type: fc.constantFrom('str' as const, 'int' as const, 'vm' as const, 'label' as const),
  value: anyText,
})
const booleanValue = fc.record({
  isDefault: fc.boolean(),
  type: fc.constant('bool' as const),
  value: fc.constantFrom('True', 'False', ''),
})

export const propertyValue: fc.Arbitrary<PropertyValue> = fc.oneof(plainValue, booleanValue)

export const problem: fc.Arbitrary<Problem> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('domain' as const, 'pool' as const, 'kernel' as const),
    name: word,
    reason: anyText,
  }),
  fc.record({ kind: fc.constant('system' as const), name: fc.constant(''), reason: anyText }),
)

export const volumeInfo = (dialect: 'admin' | 'mgmt'): fc.Arbitrary<VolumeInfo> => {
  const shown = <T>(where: string, value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    where === dialect ? value : fc.constant(undefined)
  return fc.record({
    pool: word,
    vid: word,
    size,
    usage: size,
    rw: fc.boolean(),
    internal: shown('mgmt', fc.boolean()),
    source: maybe(word),
    saveOnStop: fc.boolean(),
    snapOnStart: fc.boolean(),
    path: shown('admin', printable),
    revisionsToKeep: shown('admin', fc.integer({ min: -1, max: 1000 })),
    ephemeral: shown('admin', fc.boolean()),
    isOutdated: shown('admin', maybe(fc.boolean())),
  })
}

const settings = fc.dictionary(
  like(/^[a-z_]{1,10}$/).filter((key) => !['size', 'usage', 'included_in', 'name'].includes(key)),
  printable,
  { noNullPrototype: true },
)

export const poolConfig: fc.Arbitrary<ReadonlyMap<string, string>> = settings.map(
  (entries) => new Map(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))),
)

export const poolInfo: fc.Arbitrary<PoolInfo> = fc
  .record({ config: poolConfig, ephemeral: fc.constantFrom('True', 'False'), size: maybe(size), usage: maybe(size) })
  .map(({ config, ephemeral, ...measured }) => ({
    config: new Map([...config, ['ephemeral_volatile', ephemeral]]),
    ...measured,
    includedIn: 'other',
  }))

const destination = fc.oneof(
  fc.record({ family: fc.constant(4 as const), address: fc.ipV4(), prefixLength: fc.integer({ min: 0, max: 32 }) }),
  fc.record({ family: fc.constant(6 as const), address: fc.ipV6(), prefixLength: fc.integer({ min: 0, max: 128 }) }),
  fc.record({ host: like(/^[a-z][a-z0-9._-]{0,30}$/) }),
)

const protocol = fc.oneof(
  fc.constant({}),
  fc.record({ proto: fc.constant('icmp' as const), icmpType: fc.nat(255) }, { requiredKeys: ['proto'] }),
  fc
    .tuple(fc.constantFrom('tcp' as const, 'udp' as const), fc.nat(65_535), fc.nat(65_535))
    .map(([proto, a, b]) => ({ proto, ports: { first: Math.min(a, b), last: Math.max(a, b) } })),
)

export const firewallRuleArbitrary: fc.Arbitrary<FirewallRule> = fc
  .tuple(
    fc.record(
      {
        action: fc.constantFrom('accept' as const, 'drop' as const),
        expire: fc.nat(),
        destination,
        specialTarget: fc.constant('dns' as const),
        comment: like(/^[A-Za-z0-9:;,./_[\] -]{1,40}$/),
      },
      { requiredKeys: ['action'] },
    ),
    protocol,
  )
  .map(([rule, more]) => ({ ...rule, ...more }))
