import fc from 'fast-check'
import type {
  CharacterDeviceDefinition,
  DeviceDefinitions,
  DiskDefinition,
  DomainDefinition,
  ImageDefinition,
  InterfaceDefinition,
  OsDefinition,
} from '../domain-definition.ts'

// Definitions as the parser makes them, for tests: everything that XML can say, and nothing that it cannot.

const absent = { nil: undefined, freq: 2 } as const

/** Text without control characters. */
const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text))
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => !/(?![\n\t])\p{Cc}/u.test(value))
const path = line.map((rest) => `/${rest}`)
const socketPath = fc.stringMatching(/^\/[a-z0-9'"<&>é/]{1,40}$/)
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })

/** A name of a domain. */
export const arbitraryName: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/)

/** A uuid. */
export const arbitraryUuid: fc.Arbitrary<string> = fc
  .tuple(hex(8), hex(4), hex(4), hex(4), hex(12))
  .map((parts) => parts.join('-'))

/** An object without its undefined members, as the parser leaves them out. */
function without<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

/** An image and those behind it, of which a raw one has none. */
const image = fc.letrec<{ image: ImageDefinition }>((tie) => ({
  image: fc
    .record({
      source: fc.record({ kind: fc.constantFrom('file', 'block'), path }),
      format: fc.constantFrom('raw', 'qcow2'),
      backing: fc.oneof({ maxDepth: 3 }, fc.constantFrom(undefined, null), tie('image')),
    })
    .map(
      (one) =>
        without({ ...one, backing: one.format === 'raw' ? one.backing && null : one.backing }) as ImageDefinition,
    ),
})).image

const disk = fc
  .record({
    device: fc.constantFrom('disk', 'cdrom'),
    image,
    target: fc.stringMatching(/^(vd|sd|hd|xvd)[a-z]{1,3}$/),
    bus: fc.constantFrom('virtio', 'sata'),
    readonly: fc.boolean(),
    serial: fc.option(fc.stringMatching(/^[A-Za-z0-9_.+-]{1,20}$/), absent),
    discard: fc.constantFrom('unmap', 'ignore'),
    cache: fc.constantFrom('default', 'unsafe'),
  })
  .map(
    ({ image: { source, format, backing }, ...one }) =>
      without({ ...one, source, format, backing, readonly: one.readonly || one.device === 'cdrom' }) as DiskDefinition,
  )

const card = fc
  .record({
    kind: fc.constantFrom('user', 'ethernet'),
    mac: fc
      .tuple(fc.constantFrom('52', '0a', 'fe'), hex(10))
      .map(([first, rest]) => (first + rest).replace(/..(?!$)/g, '$&:')),
    model: fc.constantFrom('virtio', 'e1000'),
    target: fc.stringMatching(/^[a-z][a-z0-9.'-]{0,14}$/),
  })
  .map(({ target, ...one }) => (one.kind === 'user' ? one : { ...one, target }) as InterfaceDefinition)

/** Devices of one sort; `at` gives each what must not be given twice. */
function characters(
  prefix: string,
  target: CharacterDeviceDefinition['target'],
  naming: (at: number) => { name?: string },
): fc.Arbitrary<CharacterDeviceDefinition[]> {
  const one = fc.record({
    backend: fc.constantFrom<'pty' | 'unix'>('pty', 'unix'),
    path: fc.option(socketPath, absent),
    alias: fc.option(fc.stringMatching(/^ua-[A-Za-z0-9_-]{1,20}$/), absent),
  })
  return fc.array(one, { maxLength: 3 }).map((devices) =>
    devices.map(({ backend, path: socket, alias }, at) =>
      without({
        backend,
        path: backend === 'unix' && socket !== undefined ? `${socket}.${prefix}${at}` : undefined,
        target,
        ...naming(at),
        alias: alias === undefined ? `${prefix}${at}` : `${alias}-${prefix}${at}`,
      } as CharacterDeviceDefinition),
    ),
  )
}

const devices = fc
  .record({
    emulator: fc.option(path, absent),
    disks: fc.uniqueArray(disk, { selector: ({ target }) => target, maxLength: 5 }),
    interfaces: fc.array(card, { maxLength: 3 }),
    serials: characters('serial', 'serial', () => ({})),
    consoles: characters('console', 'virtio', () => ({})),
    channels: characters('channel', 'virtio', (at) => ({ name: `org.example.${at}` })),
    balloon: fc.boolean(),
    rng: fc.boolean(),
    panic: fc.boolean(),
  })
  .map((all) => without(all) as DeviceDefinitions)

const booting = fc.oneof(
  fc.record({ kernel: path, initrd: fc.option(path, absent), cmdline: fc.option(line, absent), boot: fc.constant([]) }),
  fc.record({ boot: fc.uniqueArray(fc.constantFrom('hd', 'cdrom', 'network'), { minLength: 1 }) }),
)
const os = fc
  .tuple(
    fc.record({
      arch: fc.constantFrom('x86_64', 'aarch64', 'i686'),
      machine: fc.option(fc.constantFrom('q35', 'pc-i440fx-7.2'), absent),
      firmware: fc.constantFrom('bios', 'efi'),
    }),
    booting,
  )
  .map(([type, boot]) => without({ ...type, ...without(boot) }) as OsDefinition)

const cpu = fc.oneof(
  fc.constant<DomainDefinition['cpu']>({ mode: 'default', disabled: [] }),
  fc.record<DomainDefinition['cpu']>({
    mode: fc.constantFrom('host-passthrough', 'maximum'),
    disabled: fc.array(fc.constantFrom('vmx', 'svm', 'hle'), { maxLength: 3 }),
  }),
)

const action = fc.constantFrom<'destroy' | 'restart'>('destroy', 'restart')

const metadata = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 3 })
  .map((names) => names.map((name) => `<${name}:m xmlns:${name}='urn:${name}'>1 &lt; 2</${name}:m>\n`).join(''))

/** A definition. */
export const arbitraryDomain: fc.Arbitrary<DomainDefinition> = fc
  .record({
    type: fc.constantFrom('qemu', 'kvm', 'test'),
    name: arbitraryName,
    uuid: arbitraryUuid,
    title: fc.option(line, absent),
    description: fc.option(text, absent),
    metadata: fc.option(metadata, absent),
    memories: fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 40 })),
    vcpus: fc.integer({ min: 1, max: 4096 }),
    os,
    features: fc.subarray(['acpi', 'apic', 'pae']),
    cpu,
    clock: fc.constantFrom('utc', 'localtime'),
    onPoweroff: action,
    onReboot: action,
    onCrash: action,
    pm: fc.record({ suspendToMem: fc.boolean(), suspendToDisk: fc.boolean() }),
    devices,
  })
  .map(({ memories, ...rest }) => {
    const limits = { maxMemory: Math.max(...memories), memory: Math.min(...memories) }
    return without({ ...rest, ...limits }) as DomainDefinition
  })
