import type { XmlElement } from '@cloister/kit'

// The parser refuses everything that it does not understand. These tables list what it passes over nevertheless, because it
// asks for nothing: what libvirt itself writes into the XML of a running domain and clients send back, and what states how
// every machine of the drivers is made anyway. A path has no positions; `*` stands for one element of any name.

/** An element that may be passed over. Its children must be listed, too. */
interface PassedOverElement {
  readonly because: string
  /** Attributes that must be there, each with one of these values or of this form. */
  readonly needs?: Readonly<Record<string, readonly string[] | RegExp>>
  /** Further attributes that may be there, whatever their value. */
  readonly may?: readonly string[]
  /** The element may hold text. */
  readonly text?: boolean
}

/** An attribute that may be passed over. */
interface PassedOverAttribute {
  readonly because: string
  /** The values that ask for nothing; any when absent. */
  readonly values?: readonly string[]
}

const place = 'the driver chooses where a device sits, the same place at each start'
const given = 'the driver gives it when the domain starts'
const noDisplay = 'a guest without a display gets no input but that of its consoles'
const controllers = 'controllers come with the devices that need them'
const ownLabel = 'the driver confines each domain by itself'

/** Elements that ask for nothing, by path: each entry of a list is one form that the element may have. */
export const passedOverElements: ReadonlyMap<string, readonly PassedOverElement[]> = new Map<
  string,
  readonly PassedOverElement[]
>([
  ['domain/resource', [{ because: 'the driver chooses the control group of a running domain' }]],
  ['domain/resource/partition', [{ because: 'the driver chooses the control group of a running domain', text: true }]],
  [
    'domain/seclabel',
    [
      { because: ownLabel, needs: { type: ['dynamic'] }, may: ['model', 'relabel'] },
      { because: ownLabel, needs: { type: ['none'] }, may: ['model', 'relabel'] },
    ],
  ],
  ['domain/on_lockfailure', [{ because: 'no lock of an image is lost while a domain runs', text: true }]],
  ['domain/seclabel/label', [{ because: given, text: true }]],
  ['domain/seclabel/imagelabel', [{ because: given, text: true }]],
  ['domain/memoryBacking', [{ because: 'its children are looked at one by one' }]],
  ['domain/memoryBacking/nosharepages', [{ because: 'the memory of a guest is never merged with that of another' }]],
  ['domain/memoryBacking/source', [{ because: 'memory is anonymous', needs: { type: ['anonymous'] } }]],
  ['domain/memoryBacking/access', [{ because: 'memory is private to the guest', needs: { mode: ['private'] } }]],
  ['domain/memoryBacking/allocation', [{ because: 'memory comes when it is used', needs: { mode: ['ondemand'] } }]],
  ['domain/os/bootmenu', [{ because: 'there is no boot menu', needs: { enable: ['no'] }, may: ['timeout'] }]],
  ['domain/os/smbios', [{ because: 'the hypervisor makes these tables', needs: { mode: ['emulate'] } }]],
  ['domain/os/firmware', [{ because: 'its features are looked at one by one' }]],
  [
    'domain/os/firmware/feature',
    [
      {
        because: 'the firmware has no Secure Boot and no keys for it',
        needs: { name: ['secure-boot', 'enrolled-keys'], enabled: ['no'] },
      },
    ],
  ],
  [
    'domain/os/loader',
    [{ because: 'the driver chooses the firmware, without Secure Boot', needs: { secure: ['no'] } }],
  ],
  ['domain/features/vmport', [{ because: "the port of VMware's tools is off", needs: { state: ['off'] } }]],
  ['domain/features/smm', [{ because: 'the machine has System Management Mode', needs: { state: ['on'] } }]],
  [
    'domain/clock/timer',
    [
      { because: 'missed ticks of the clock chip are made up for', needs: { name: ['rtc'], tickpolicy: ['catchup'] } },
      { because: 'ticks of the interval timer are delayed', needs: { name: ['pit'], tickpolicy: ['delay'] } },
      {
        because: 'under KVM there is no HPET; under emulation it is one timer more',
        needs: { name: ['hpet'], present: ['no'] },
      },
    ],
  ],
  [
    'domain/devices/*/address',
    [
      {
        because: place,
        may: [
          ...['type', 'domain', 'bus', 'slot', 'function', 'multifunction', 'controller', 'target', 'unit', 'port'],
          ...['iobase', 'irq', 'base'],
        ],
      },
    ],
  ],
  ['domain/devices/*/alias', [{ because: `${given}, unless it is one of the user`, needs: { name: /^(?!ua-)./ } }]],
  [
    'domain/devices/controller',
    [
      { because: controllers, needs: { type: ['pci', 'sata', 'ide', 'virtio-serial'] }, may: ['index', 'model'] },
      { because: controllers, needs: { type: ['usb'] }, may: ['index', 'model', 'ports'] },
    ],
  ],
  ['domain/devices/controller/master', [{ because: controllers, may: ['startport'] }]],
  ['domain/devices/controller/model', [{ because: controllers, may: ['name'] }]],
  ['domain/devices/controller/target', [{ because: controllers, may: ['chassis', 'chassisNr', 'port', 'hotplug'] }]],
  [
    'domain/devices/input',
    [
      { because: 'every machine has a PS/2 keyboard and mouse', needs: { bus: ['ps2'], type: ['keyboard', 'mouse'] } },
      { because: noDisplay, needs: { bus: ['usb', 'virtio'], type: ['keyboard', 'mouse', 'tablet'] } },
    ],
  ],
  ['domain/devices/video', [{ because: 'its model is looked at' }]],
  ['domain/devices/video/model', [{ because: 'there is no video device', needs: { type: ['none'] } }]],
  ['domain/devices/audio', [{ because: 'there is no audio device', needs: { type: ['none'] }, may: ['id'] }]],
  [
    'domain/devices/watchdog',
    [{ because: 'the watchdog of the chip set resets the guest', needs: { model: ['itco'], action: ['reset'] } }],
  ],
  [
    'domain/devices/memballoon/stats',
    [{ because: 'the driver asks the guest for a report when the statistics are read', may: ['period'] }],
  ],
  ['domain/devices/interface/link', [{ because: 'a link is up', needs: { state: ['up'] } }]],
])

/** Attributes that ask for nothing, by path. */
export const passedOverAttributes: ReadonlyMap<string, PassedOverAttribute> = new Map<string, PassedOverAttribute>([
  ['domain/@id', { because: 'number of a running domain, given at its start' }],
  ['domain/memory/@dumpCore', { because: 'memory of a guest is never in a core dump', values: ['off'] }],
  ['domain/vcpu/@placement', { because: 'processors are not pinned', values: ['static'] }],
  [
    'domain/cpu/@check',
    { because: 'a processor that is not a named model needs no check', values: ['none', 'partial'] },
  ],
  ['domain/cpu/@migratable', { because: 'the default of host-passthrough', values: ['on'] }],
  ['domain/clock/@adjustment', { because: 'the clock starts with the time of the host each time', values: ['reset'] }],
  ['domain/devices/disk/@snapshot', { because: 'says what a snapshot includes; the driver makes none' }],
  ['domain/devices/disk/driver/@name', { because: 'the only one there is', values: ['qemu'] }],
  ['domain/devices/disk/driver/@io', { because: 'images are read by threads', values: ['threads'] }],
  ['domain/devices/disk/driver/@detect_zeroes', { because: 'zeroes are written like other bytes', values: ['off'] }],
  ['domain/devices/disk/source/@index', { because: 'number in a running domain' }],
  ['domain/devices/disk/target/@tray', { because: 'a tray is closed', values: ['closed'] }],
  ['domain/devices/interface/target/@managed', { because: 'the tap device exists before the domain', values: ['no'] }],
  ['domain/devices/console/@tty', { because: 'terminal of a running domain' }],
  ['domain/devices/channel/target/@state', { because: 'whether a running guest has opened its end' }],
  [
    'domain/devices/memballoon/@autodeflate',
    { because: 'a guest gets memory back before it runs out', values: ['on'] },
  ],
  ['domain/devices/memballoon/@freePageReporting', { because: 'a guest reports free memory', values: ['on'] }],
])

/** The entry by which an element may be passed over, if there is one. @param path of the element, without positions */
export function findPassedOver(path: string, element: XmlElement): PassedOverElement | undefined {
  const general = path.replace(/[^/]*\/([^/]*)$/, '*/$1')
  const forms = [...(passedOverElements.get(path) ?? []), ...(passedOverElements.get(general) ?? [])]
  return forms.find((form) => hasForm(element, form))
}

/** True when an attribute asks for nothing. A namespace that is declared asks for nothing before it is used. */
export function isPassedOver(path: string, name: string, value: string): boolean {
  if (name === 'xmlns' || name.startsWith('xmlns:')) return true
  const entry = passedOverAttributes.get(`${path}/@${name}`)
  return entry !== undefined && (entry.values?.includes(value) ?? true)
}

function hasForm(element: XmlElement, { needs = {}, may = [] }: PassedOverElement): boolean {
  const needed = Object.entries(needs).every(([name, values]) => {
    const value = element.attribute(name) ?? ''
    return values instanceof RegExp ? values.test(value) : values.includes(value)
  })
  return needed && [...element.attributes.keys()].every((name) => name in needs || may.includes(name))
}
