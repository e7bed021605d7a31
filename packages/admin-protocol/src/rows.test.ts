import { CloisterError, utf8 } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyCallRow, DialectName } from './call-row.ts'
import { allCalls, callName } from './calls.ts'
import type { Codec, InputCodec } from './codec.ts'
import { DaemonCommunicationError } from './errors.ts'
import * as backup from './rows/backup.ts'
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
import * as tags from './rows/tags-notes.ts'
import * as volumes from './rows/volumes.ts'
import * as make from './testing/arbitraries.ts'

type Values = fc.Arbitrary<unknown>
/** Values of the parts of a call; a dialect that has its own comes before the common one. */
interface Part {
  readonly all?: Values
  readonly admin?: Values
  readonly mgmt?: Values
  readonly plain?: Values
}
interface Parts {
  readonly argument?: Part
  readonly payload?: Part
  readonly reply?: Part
}

const none = fc.constant(undefined)
const maybe = (values: Values): Values => fc.option(values, { nil: undefined })
const all = (values: Values): Part => ({ all: values })
const word = all(make.word)
const list = (values: Values): Part => all(fc.array(values, { maxLength: 5 }))
const tag = make.like(/^[A-Za-z0-9_-]{1,20}$/)
const feature = make.like(/^[A-Za-z0-9_.-]{1,20}$/)
const revision = make.like(/^[A-Za-z0-9:_.-]{1,20}$/)
/** Bytes that an import brings: at least one. */
const importSize = make.size.filter((size) => size > 0n)
const colour = make.like(/^0x[0-9a-fA-F]{6}$/)
const boolean = all(fc.boolean())
const named = (name: Values, item: Values): Parts => ({
  argument: { mgmt: maybe(name), all: none },
  reply: list(item),
})
const pool = make.like(/^[A-Za-z0-9_.-]{1,10}$/)
const placed = fc.oneof(
  fc.record({ pool, pools: fc.constant(new Map()) }),
  fc.record({
    pool: fc.constant(undefined),
    pools: fc
      .subarray(['root', 'private', 'volatile', 'kernel'])
      .chain((names) => fc.tuple(...names.map((name) => pool.map((value) => [name, value] as const))))
      .map((pairs) => new Map(pairs)),
  }),
)
const unplaced = fc.constant({ pool: undefined, pools: new Map() })
const request = (base: Record<string, Values>, placement: Values): Part =>
  all(fc.tuple(fc.record(base), placement).map(([first, second]) => Object.assign({}, first, second)))
const newName = { name: make.domainName }
const newNameAndLabel = { name: make.domainName, label: make.label }
const ofPool = (value: Values): Values => fc.record({ vid: make.word, value })
const value = { argument: word, reply: all(make.anyText) }
const propertyValue = all(make.propertyValue)
const defaultValue = all(
  fc.option(
    make.propertyValue.map(({ type, value }) => ({ type, value })),
    { nil: undefined },
  ),
)
const setting = { argument: word, payload: all(make.like(/^[\t\n -~]{0,40}$/)) }
const listing = list(
  fc.tuple(make.like(/^[a-z_]{1,10}$/), make.propertyValue).map(([name, rest]) => ({ name, ...rest })),
)
const info = { admin: make.volumeInfo('admin'), mgmt: make.volumeInfo('mgmt') }
const rules = list(make.firewallRuleArbitrary)
const event = all(
  fc.record({
    subject: make.word,
    name: make.word,
    pairs: fc.array(fc.tuple(make.word, make.word), { maxLength: 3 }),
  }),
)
const policy = all(fc.constantFrom('accept', 'drop'))
const text = all(make.anyText)
const small = fc.nat(999_999)
const revisions = fc.integer({ min: -1, max: 99_999_999 })
const maybeText = fc.option(make.word, { nil: null })

const deviceList = { argument: all(maybe(make.word)), reply: list(make.word) }
const interfaceList = fc.uniqueArray(make.like(/^[a-z0-9*]{7}$/), { maxLength: 4 })
const interfaces = all(interfaceList)

/** What travels in the calls that carry anything but nothing. */
const parts = new Map<AnyCallRow, Parts>([
  ...allCalls.filter(({ key }) => key.endsWith('class.List')).map((row) => [row, named(make.word, make.word)] as const),
  [devices.vmDeviceAvailable, { ...deviceList, argument: all(maybe(pool)) }],
  [devices.vmDeviceAttached, deviceList],
  [devices.vmDeviceAssigned, deviceList],
  [devices.vmDeviceList, deviceList],
  [devices.vmDeviceDeniedList, { reply: list(make.like(/^[a-z*]{7}$/)) }],
  [devices.vmDeviceDeniedAdd, { payload: interfaces }],
  [devices.vmDeviceDeniedRemove, { payload: all(fc.oneof(fc.constant('all'), interfaceList)) }],
  [backup.backupExecute, { argument: all(pool) }],
  [backup.backupInfo, { argument: all(pool), reply: text }],
  [backup.backupCancel, { argument: all(pool) }],
  [backup.backupRestore, { reply: text }],
  [labels.labelList, named(make.label, make.label)],
  [labels.labelGet, { argument: all(make.label), reply: all(colour) }],
  [labels.labelIndex, { argument: all(make.label), reply: all(small) }],
  [labels.labelCreate, { argument: all(make.label), payload: all(colour) }],
  [labels.labelRemove, { argument: all(make.label) }],
  [
    domains.vmList,
    {
      argument: { mgmt: maybe(make.word), all: none },
      reply: {
        admin: fc.array(make.domainListItem(true), { maxLength: 5 }),
        mgmt: fc.array(make.domainListItem(false), { maxLength: 5 }),
      },
    },
  ],
  [domains.vmCreate, { argument: all(maybe(make.word)), payload: request(newNameAndLabel, unplaced) }],
  [domains.vmCreateInPool, { argument: all(maybe(make.word)), payload: request(newNameAndLabel, placed) }],
  [domains.vmCreateTemplate, { argument: all(make.domainName) }],
  [domains.vmCreateTemplateAs, { argument: all(make.domainName) }],
  [
    domains.vmCreateDisposable,
    {
      argument: all(maybe(fc.constant('preload'))),
      payload: all(maybe(fc.constant('uuid'))),
      reply: all(maybe(make.word)),
    },
  ],
  [domains.vmClone, { payload: request(newName, unplaced) }],
  [domains.vmCloneInPool, { payload: request(newName, placed) }],
  [properties.propertyList, named(make.word, make.word)],
  [properties.propertyGet, { argument: word, reply: propertyValue }],
  [properties.propertyGetAll, { reply: listing }],
  [properties.propertyGetDefault, { argument: word, reply: defaultValue }],
  [properties.propertyHelp, value],
  [properties.propertyHelpRst, value],
  [properties.propertySet, setting],
  [properties.propertyReset, { argument: word }],
  [properties.vmPropertyList, named(make.word, make.word)],
  [properties.vmPropertyGet, { argument: word, reply: propertyValue }],
  [properties.vmPropertyGetAll, { reply: listing }],
  [properties.vmPropertyGetDefault, { argument: word, reply: defaultValue }],
  [properties.vmPropertyHelp, value],
  [properties.vmPropertyHelpRst, value],
  [properties.vmPropertySet, setting],
  [properties.vmPropertyReset, { argument: word }],
  [features.vmFeatureList, named(make.word, make.word)],
  [features.vmFeatureGet, value],
  [features.vmFeatureCheckWithTemplate, value],
  [features.vmFeatureCheckWithNetvm, value],
  [features.vmFeatureCheckWithAdminVM, value],
  [features.vmFeatureCheckWithTemplateAndAdminVM, value],
  [features.vmFeatureSet, { argument: all(feature), payload: all(make.printable) }],
  [features.vmFeatureRemove, { argument: word }],
  [tags.vmTagList, named(tag, tag)],
  [tags.vmTagGet, { argument: all(tag), reply: boolean }],
  [tags.vmTagSet, { argument: all(tag) }],
  [tags.vmTagRemove, { argument: all(tag) }],
  [tags.vmNotesGet, { reply: text }],
  [tags.vmNotesSet, { payload: all(make.like(/^[\t\n -~żółć☺]{0,40}$/)) }],
  [
    power.vmShutdown,
    {
      argument: {
        admin: fc.record({ force: fc.boolean(), wait: fc.boolean() }),
        mgmt: fc.constant({ force: false, wait: false }),
      },
    },
  ],
  [
    power.vmCurrentState,
    {
      reply: all(
        fc.record({
          memory: make.size,
          memoryStaticMax: make.size,
          cpuTime: make.size,
          powerState: fc.constantFrom('Halted', 'Running', 'Paused'),
        }),
      ),
    },
  ],
  [power.vmConsole, { reply: text }],
  [volumes.vmVolumeList, named(make.word, make.word)],
  [volumes.vmVolumeInfo, { argument: word, reply: info }],
  [
    volumes.vmVolumeListSnapshots,
    { argument: word, payload: { mgmt: maybe(revision), all: none }, reply: list(revision) },
  ],
  [volumes.vmVolumeSnapshot, { argument: word, reply: all(revision) }],
  [volumes.vmVolumeRevert, { argument: word, payload: all(revision) }],
  [volumes.vmVolumeResize, { argument: word, payload: all(make.size) }],
  [volumes.vmVolumeImport, { argument: word }],
  [volumes.vmVolumeImportWithSize, { argument: word, payload: all(importSize) }],
  [volumes.vmVolumeClear, { argument: word }],
  [volumes.vmVolumeCloneFrom, { argument: word, reply: all(make.like(/^[A-Za-z0-9]{32}$/)) }],
  [volumes.vmVolumeCloneTo, { argument: word, payload: word }],
  [volumes.vmVolumeSetRevisionsToKeep, { argument: word, payload: all(revisions) }],
  [volumes.vmVolumeSetRw, { argument: word, payload: boolean }],
  [volumes.vmVolumeSetEphemeral, { argument: word, payload: boolean }],
  [pools.poolList, named(pool, pool)],
  [
    pools.poolListDrivers,
    { reply: list(fc.record({ name: make.word, parameters: fc.array(make.word, { maxLength: 4 }) })) },
  ],
  [pools.poolInfo, { argument: word, reply: all(make.poolInfo) }],
  [
    pools.poolUsageDetails,
    {
      argument: word,
      reply: all(
        fc.record({
          dataSize: maybe(make.size),
          dataUsage: maybe(make.size),
          metadataSize: maybe(make.size),
          metadataUsage: maybe(make.size),
        }),
      ),
    },
  ],
  [pools.poolAdd, { argument: word, payload: all(fc.record({ name: pool, config: make.poolConfig })) }],
  [pools.poolRemove, { argument: word }],
  [pools.poolSetRevisionsToKeep, { argument: word, payload: all(revisions) }],
  [pools.poolSetEphemeralVolatile, { argument: word, payload: boolean }],
  [pools.poolVolumeList, { argument: word, payload: { mgmt: maybe(make.word), all: none }, reply: list(make.word) }],
  [pools.poolVolumeInfo, { argument: word, payload: word, reply: info }],
  [
    pools.poolVolumeListSnapshots,
    {
      argument: word,
      payload: { mgmt: ofPool(maybe(revision)), admin: ofPool(none) },
      reply: list(revision),
    },
  ],
  [pools.poolVolumeSnapshot, { argument: word, payload: word, reply: all(revision) }],
  [pools.poolVolumeRevert, { argument: word, payload: all(ofPool(revision)) }],
  [pools.poolVolumeResize, { argument: word, payload: all(ofPool(make.size)) }],
  [pools.poolVolumeImport, { argument: word, payload: word }],
  [problems.problemList, { reply: list(make.problem) }],
  [firewall.vmFirewallGet, { reply: rules }],
  [firewall.vmFirewallSet, { payload: rules }],
  [firewall.vmFirewallGetRules, { reply: rules }],
  [firewall.vmFirewallSetRules, { payload: rules }],
  [firewall.vmFirewallGetPolicy, { reply: policy }],
  [firewall.vmFirewallSetPolicy, { payload: policy }],
  [eventStreams.events, { argument: { mgmt: maybe(make.like(/^[a-z:-]{1,10}\*?$/)), all: none }, reply: event }],
  [eventStreams.vmStats, { reply: event }],
  [
    internal.getSystemInfo,
    {
      reply: all(
        fc
          .dictionary(
            make.domainName,
            fc.record({
              internal: maybeText,
              tags: fc.array(tag, { maxLength: 3 }),
              type: make.word,
              template_for_dispvms: fc.boolean(),
              default_dispvm: maybeText,
              icon: make.word,
              label: colour,
              guivm: maybeText,
              relayvm: maybeText,
              transport_rpc: maybeText,
              power_state: make.word,
              uuid: fc.uuid(),
            }),
            { maxKeys: 3, noNullPrototype: true },
          )
          .map((domains) => ({ domains })),
      ),
    },
  ],
  [
    internal.importBegin,
    {
      argument: word,
      payload: all(maybe(importSize)),
      reply: all(fc.record({ size: make.size, path: make.word.map((name) => `/${name}`) })),
    },
  ],
  [internal.importEnd, { argument: word, payload: all(maybe(make.like(/^[\n -~]{0,20}$/))) }],
  [internal.notifyUpdates, { payload: all(small) }],
])

const runs = { numRuns: 40 }
const dialectNames: readonly DialectName[] = ['admin', 'mgmt', 'plain']

const cases = allCalls.flatMap((row) =>
  dialectNames.flatMap((name) => {
    const dialect = row[name]
    return dialect === undefined ? [] : [{ call: callName(row, name), row, name, dialect }]
  }),
)

function comesBack(codec: Codec<unknown>, part: Part | undefined, name: DialectName): void {
  const values = part?.[name] ?? part?.all ?? none
  fc.assert(
    fc.property(values, (value) => {
      expect(codec.decode(codec.encode(value))).toEqual(value)
    }),
    runs,
  )
}

/** Texts that come close to what calls carry. */
const nearly = fc
  .array(
    fc.constantFrom(
      ...'name= label= pool= pool:root= default=True default=yes type=bool type=str class= state=Running'.split(' '),
      ...'action=accept proto=tcp dst4=1.2.3.4 dstports=1-2 comment= size=1 pool=a vid=b rw=True ok fail'.split(' '),
      ...['\n', ' ', '=', '+', '\\', '\0', 'ż', '-1', '07', '{"domains":{}}', 'a', '/', 'True', 'uuid', '0x123456'],
    ),
    { maxLength: 12 },
  )
  .map((pieces) => utf8(pieces.join('')))
const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), nearly)

/** Any bytes are refused with one of our errors, or mean something that can be sent again. */
function survives(codec: Codec<unknown>, failure: typeof CloisterError): void {
  fc.assert(
    fc.property(hostile, (bytes) => {
      let value: unknown
      try {
        value = codec.decode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(failure)
        return
      }
      expect(codec.decode(codec.encode(value))).toEqual(value)
    }),
    runs,
  )
}

describe.each(cases)('$call', ({ row, name, dialect }) => {
  it('gives back what was put in', () => {
    const values = parts.get(row)
    comesBack(dialect.argument, values?.argument, name)
    comesBack(dialect.payload, values?.payload, name)
    comesBack(dialect.reply, values?.reply, name)
  })

  it('survives any bytes', () => {
    survives(dialect.argument, CloisterError)
    survives(dialect.payload, CloisterError)
    survives(dialect.reply, DaemonCommunicationError)
  })

  it('takes nothing where it wants nothing', () => {
    const inputs: InputCodec<unknown>[] = [dialect.argument, dialect.payload]
    for (const codec of inputs.filter(({ presence }) => presence === 'none')) {
      expect(() => codec.decode(utf8('x'))).toThrow(CloisterError)
      expect(() => codec.encode('x')).toThrow(CloisterError)
    }
  })
})
