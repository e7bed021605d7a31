import type { XmlElement } from '@cloister/kit'

// Everything that the parser does not understand is refused. Here stands what it passes over all the same, because it asks
// for nothing: what libvirt itself writes into the XML of a running domain and clients hand back, and what says in so many
// words what is the case anyway. A path names no positions; `*` stands for one element of any name.

/** An element that may be passed over, and why. */
interface MeaninglessElement {
  readonly because: string
  /** What the element must be like; anything when absent. */
  readonly when?: (element: XmlElement) => boolean
}

/** An attribute that may be passed over, and why. */
interface MeaninglessAttribute {
  readonly because: string
  /** The values that mean nothing; any when absent. */
  readonly values?: readonly string[]
}

const controllers = new Set(['pci', 'usb', 'sata', 'ide', 'virtio-serial'])
const kinds = new Set(['type', 'index', 'model'])
const placement = new Set(['address', 'alias', 'master', 'model', 'target'])

/** Elements without a meaning, by path. */
export const meaninglessElements: ReadonlyMap<string, MeaninglessElement> = new Map<string, MeaninglessElement>([
  ['domain/resource', { because: 'names the control group of a running domain, which is up to the driver' }],
  ['domain/devices/*/address', { because: 'where a device sits is up to the driver, and the same at each start' }],
  [
    'domain/devices/*/alias',
    {
      because: 'is given by the driver when the domain starts, unless it is one of the user',
      when: (alias) => !alias.attribute('name')?.startsWith('ua-'),
    },
  ],
  [
    'domain/devices/controller',
    {
      because: 'controllers come with the devices that need them',
      when: (controller) =>
        controllers.has(controller.attribute('type') ?? '') &&
        [...controller.attributes.keys()].every((name) => kinds.has(name)) &&
        controller.elements().every((child) => placement.has(child.name)),
    },
  ],
  [
    'domain/devices/input',
    {
      because: 'every machine has a PS/2 keyboard and mouse',
      when: (input) => input.attribute('bus') === 'ps2' && /^(keyboard|mouse)$/.test(input.attribute('type') ?? ''),
    },
  ],
  [
    'domain/devices/video',
    { because: 'there is no video device', when: (video) => video.at('model')?.attribute('type') === 'none' },
  ],
  [
    'domain/devices/audio',
    { because: 'there is no audio device', when: (audio) => audio.attribute('type') === 'none' },
  ],
  ['domain/devices/interface/link', { because: 'a link is up', when: (link) => link.attribute('state') === 'up' }],
  ['domain/os/bootmenu', { because: 'there is no boot menu', when: (menu) => menu.attribute('enable') === 'no' }],
])

/** Attributes without a meaning, by path. */
export const meaninglessAttributes: ReadonlyMap<string, MeaninglessAttribute> = new Map<string, MeaninglessAttribute>([
  ['domain/@id', { because: 'number of a running domain, given at its start' }],
  ['domain/vcpu/@placement', { because: 'processors are not pinned', values: ['static'] }],
  ['domain/cpu/@check', { because: 'nothing is checked', values: ['none'] }],
  ['domain/cpu/@migratable', { because: 'the default of host-passthrough', values: ['on'] }],
  ['domain/devices/disk/driver/@name', { because: 'the only one there is', values: ['qemu'] }],
  ['domain/devices/disk/source/@index', { because: 'number in a running domain' }],
  ['domain/devices/disk/target/@tray', { because: 'a tray is closed', values: ['closed'] }],
  ['domain/devices/interface/target/@managed', { because: 'the tap device exists before the domain', values: ['no'] }],
  ['domain/devices/console/@tty', { because: 'terminal of a running domain' }],
  ['domain/devices/channel/target/@state', { because: 'whether a running guest has opened its end' }],
])
