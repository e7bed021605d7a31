import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DomainDefinition } from '../domain-definition.ts'
import { LibvirtError } from '../error.ts'
import { testHost } from '../testing/test-host.ts'
import { parseDomainXml } from './domain-parse.ts'

const named = '<name>work</name><memory>1024</memory>'
const os = '<os><type>hvm</type></os>'

/** The smallest domain, and what a test adds to it. */
function domain(more = '', attributes = ''): string {
  return `<domain type='qemu' ${attributes}>${named}${os}${more}</domain>`
}

function withDevices(devices: string): string {
  return domain(`<devices>${devices}</devices>`)
}

function parse(text: string): DomainDefinition {
  return parseDomainXml(text, testHost)
}

/** A file that holds what such files of users hold. */
function sample(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'testing', name), 'utf8')
}

function refusal(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof LibvirtError) return `${error.kind} ${error.str2}`
    throw error
  }
  return 'accepted'
}

describe('defaults', () => {
  it('fills in what libvirt does', () => {
    expect(parse(domain())).toEqual({
      type: 'qemu',
      name: 'work',
      uuid: '00010203-0405-4607-8809-0a0b0c0d0e0f',
      maxMemory: 1024,
      memory: 1024,
      vcpus: 1,
      os: { arch: 'x86_64', firmware: 'bios', boot: ['hd'] },
      features: [],
      cpu: { mode: 'default', disabled: [] },
      clock: 'utc',
      onPoweroff: 'destroy',
      onReboot: 'restart',
      onCrash: 'destroy',
      pm: { suspendToMem: true, suspendToDisk: true },
      devices: {
        disks: [],
        interfaces: [],
        serials: [],
        consoles: [],
        channels: [],
        balloon: true,
        rng: false,
        panic: false,
      },
    })
  })

  it('boots a kernel from nothing else', () => {
    const text = domain().replace('</os>', '<kernel>/k</kernel><initrd>/i</initrd><cmdline>quiet</cmdline></os>')
    expect(parse(text).os).toEqual({
      arch: 'x86_64',
      kernel: '/k',
      initrd: '/i',
      cmdline: 'quiet',
      firmware: 'bios',
      boot: [],
    })
  })

  it('gives a disk and a network card what the XML leaves open', () => {
    const { disks, interfaces } = parse(
      withDevices(`<disk type='file'><driver type='raw'/><source file='/a'/><target dev='vda'/></disk>
        <interface type='user'/>`),
    ).devices
    expect(disks).toEqual([
      {
        device: 'disk',
        source: { kind: 'file', path: '/a' },
        format: 'raw',
        target: 'vda',
        bus: 'virtio',
        readonly: false,
        discard: 'ignore',
        cache: 'default',
      },
    ])
    expect(interfaces).toEqual([{ kind: 'user', mac: '52:54:00:00:01:02', model: 'e1000' }])
  })

  it('makes a cdrom read-only', () => {
    const text = `<disk type='file' device='cdrom'><driver type='raw'/><source file='/a'/><target dev='sda' bus='sata'/></disk>`
    expect(parse(withDevices(text)).devices.disks[0]?.readonly).toBe(true)
  })
})

describe('values', () => {
  it.each([
    ['<memory>5</memory>', 5],
    ["<memory unit='KiB'>5</memory>", 5],
    ["<memory unit='k'>5</memory>", 5],
    ["<memory unit='MiB'>5</memory>", 5120],
    ["<memory unit='m'>5</memory>", 5120],
    ["<memory unit='G'>5</memory>", 5 * 1024 ** 2],
    ["<memory unit='TiB'>1</memory>", 1024 ** 3],
    ["<memory unit='bytes'>1025</memory>", 2],
    ["<memory unit='b'>1024</memory>", 1],
    ["<memory unit='KB'>1024</memory>", 1000],
    ["<memory unit='MB'>1</memory>", 977],
    ["<memory unit='gb'>1</memory>", 976_563],
  ])('%s is %d KiB', (element, kib) => {
    expect(parse(domain().replace('<memory>1024</memory>', element)).maxMemory).toBe(kib)
  })

  it.each(['0', '-1', '1.5', '1e3', '', ' ', 'x', '9007199254740993', '99999999999999999999999'])(
    'refuses %j KiB of memory',
    (number) => {
      expect(refusal(domain().replace('1024', number))).toMatch(/^XML_ERROR domain\/memory: /)
    },
  )

  it.each(['kg', 'iB', 'KKiB', ''])('refuses the unit %j', (unit) => {
    expect(refusal(domain().replace('<memory>', `<memory unit='${unit}'>`))).toBe(
      `XML_ERROR domain/memory: '${unit}' is not a unit of memory`,
    )
  })

  it('refuses memory beyond what can be counted', () => {
    expect(refusal(domain().replace('<memory>1024', "<memory unit='E'>9999999999"))).toBe(
      'XML_ERROR domain/memory: the number is too large',
    )
  })

  it('reads a uuid with and without dashes, in any case', () => {
    for (const text of ['6695EB01-f6a4-8304-79aa-97f2502e193f', '6695eb01f6a4830479aa97f2502E193F']) {
      expect(parse(domain(`<uuid>${text}</uuid>`)).uuid).toBe('6695eb01-f6a4-8304-79aa-97f2502e193f')
    }
  })

  it.each(['', 'x', '6695eb01-f6a4830479aa97f2502e193f', '{6695eb01-f6a4-8304-79aa-97f2502e193f}'])(
    'refuses the uuid %j',
    (text) => {
      expect(refusal(domain(`<uuid>${text}</uuid>`))).toBe(`XML_ERROR domain/uuid: '${text}' is not a uuid`)
    },
  )

  it.each(['', '.', '..', 'a/b', 'a\nb', ' a', 'a b', 'ä', 'a:b', 'a'.repeat(256)])('refuses the name %j', (name) => {
    expect(refusal(domain().replace('work', name))).toMatch(/^XML_ERROR domain\/name: /)
  })

  it.each(['a', '-x', '_', '42', 'sys-net.1', 'a'.repeat(255)])('takes the name %j', (name) => {
    expect(parse(domain().replace('work', name)).name).toBe(name)
  })

  it('keeps metadata as XML, each in a namespace of its own', () => {
    const metadata = `<a:x xmlns:a='urn:a'>1 &amp; 2<a:y/></a:x><b xmlns='urn:b'>\r\n&#13;</b>`
    const once = parse(domain(`<metadata>${metadata}</metadata>`)).metadata
    expect(once).toBe(`<a:x xmlns:a='urn:a'>1 &amp; 2<a:y/></a:x>\n<b xmlns='urn:b'>\n&#13;</b>\n`)
    expect(parse(domain(`<metadata>${once}</metadata>`)).metadata).toBe(once)
  })
})

describe('consoles', () => {
  const serial = { backend: 'pty', target: 'serial', alias: 'serial0' }

  it.each([
    ["<serial type='pty'/>"],
    ["<console type='pty'/>"],
    ["<serial type='pty'><target port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>"],
    ["<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/><target type='serial' port='0'/></console>"],
    ["<serial type='pty'><alias name='serial7'/></serial>"],
  ])('%s is one serial port', (devices) => {
    expect(parse(withDevices(devices)).devices).toMatchObject({ serials: [serial], consoles: [] })
  })

  it('counts virtio consoles apart', () => {
    const text =
      "<console type='pty'/><console type='unix'><source mode='bind' path='/s'/><target type='virtio'/></console>"
    expect(parse(withDevices(text)).devices).toMatchObject({
      serials: [serial],
      consoles: [{ backend: 'unix', path: '/s', target: 'virtio', alias: 'console0' }],
    })
  })

  it("keeps a user's own alias", () => {
    const text = "<serial type='pty'><alias name='ua-main'/></serial><serial type='pty'/>"
    expect(parse(withDevices(text)).devices.serials.map(({ alias }) => alias)).toEqual(['ua-main', 'serial1'])
  })
})

describe('what means nothing is passed over', () => {
  const disk = (inside: string): string =>
    withDevices(`<disk type='file'><driver type='raw'/><source file='/a'/><target dev='vda'/>${inside}</disk>`)
  it.each([
    ['id', domain('', "id='3'")],
    ['resource', domain('<resource><partition>/machine</partition></resource>')],
    ['placement', domain("<vcpu placement='static'>2</vcpu>")],
    ['all processors at once', domain("<vcpu current='2'>2</vcpu>")],
    ['cpu check and migratable', domain("<cpu mode='host-passthrough' check='none' migratable='on'/>")],
    ['a boot menu that is off', domain().replace('</os>', "<bootmenu enable='no'/></os>")],
    ['address of a disk', disk("<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>")],
    ['alias of a disk', disk("<alias name='virtio-disk0'/>")],
    ['driver name', disk('').replace('<driver', "<driver name='qemu'")],
    ['number of an image', disk('').replace('<source', "<source index='1'")],
    ['a closed tray', disk('').replace('<target', "<target tray='closed'")],
    [
      'pci controller',
      withDevices("<controller type='pci' index='1' model='pcie-root-port'><target chassis='1'/></controller>"),
    ],
    ['usb controller', withDevices("<controller type='usb' model='none'/>")],
    ['ports of a usb controller', withDevices("<controller type='usb' model='qemu-xhci' ports='15'/>")],
    ['a namespace', domain('', "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'")],
    ["VMware's port that is off", domain("<features><acpi/><apic/><vmport state='off'/><smm state='on'/></features>")],
    [
      'timers as they are',
      domain(`<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>
        <timer name='hpet' present='no'/></clock>`),
    ],
    ['a clock that starts anew', domain("<clock offset='utc' adjustment='reset'/>")],
    [
      'one socket',
      domain("<vcpu>4</vcpu><cpu mode='maximum'><topology sockets='1' dies='1' cores='4' threads='1'/></cpu>"),
    ],
    ['no threads for disks', domain('<iothreads>0</iothreads>')],
    ['locks', domain('<on_lockfailure>poweroff</on_lockfailure>')],
    ['no core dump', domain().replace('<memory>', "<memory dumpCore='off'>")],
    [
      'memory as it is',
      domain(`<memoryBacking><nosharepages/><source type='anonymous'/><access mode='private'/>
        <allocation mode='ondemand'/></memoryBacking>`),
    ],
    [
      'labels that the driver gives',
      domain(`<seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+994</label><imagelabel>+64055</imagelabel>
        </seclabel><seclabel type='none' model='none'/>`),
    ],
    [
      'firmware without Secure Boot',
      domain().replace(
        os,
        `<os firmware='efi'><type>hvm</type><loader secure='no'/><firmware><feature enabled='no' name='secure-boot'/>
        <feature enabled='no' name='enrolled-keys'/></firmware></os>`,
      ),
    ],
    ['tables of the hypervisor', domain().replace('</os>', "<smbios mode='emulate'/></os>")],
    [
      'what an image is opened with',
      disk('').replace('<driver', "<driver cache='writeback' io='threads' detect_zeroes='off'"),
    ],
    ['what a snapshot would do', disk('').replace('<disk', "<disk snapshot='external'")],
    [
      'input of a display',
      withDevices("<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>"),
    ],
    ['the watchdog of the chip set', withDevices("<watchdog model='itco' action='reset'/>")],
    [
      'a balloon that reports',
      withDevices(
        "<memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='10'/></memballoon>",
      ),
    ],
    [
      'the other file of random numbers',
      withDevices("<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"),
    ],
    ['no file of random numbers', withDevices("<rng model='virtio'><backend model='random'/></rng>")],
    ['PS/2 input', withDevices("<input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/>")],
    ['no video', withDevices("<video><model type='none'/></video>")],
    ['no audio', withDevices("<audio id='1' type='none'/>")],
    ['link that is up', withDevices("<interface type='user'><link state='up'/></interface>")],
    ['a tap that exists', withDevices("<interface type='ethernet'><target dev='tap0' managed='no'/></interface>")],
    [
      'state of a channel',
      withDevices("<channel type='unix'><target type='virtio' name='a' state='connected'/></channel>"),
    ],
  ])('%s', (_what, text) => {
    expect(refusal(text)).toBe('accepted')
  })
})

describe('what no driver can do is refused by its path', () => {
  const disk = "<disk type='file'><driver type='raw'/><source file='/a'/><target dev='vda'/></disk>"
  it.each([
    [domain().replace("'qemu'", "'xen'"), "domain: 'xen' is not supported, only qemu, kvm, test"],
    [
      domain('<qemu:commandline/>'),
      'domain: <qemu:commandline> is not supported: QEMU takes no arguments but those of the driver',
    ],
    [
      domain('<maxMemory>1</maxMemory>'),
      'domain: <maxMemory> is not supported: memory cannot be plugged in: <memory> is the most that the guest can get',
    ],
    [domain("<vcpu current='1'>2</vcpu>"), 'domain/vcpu: all processors are there from the start'],
    [
      domain("<vcpu cpuset='1'>2</vcpu>"),
      "domain/vcpu: attribute cpuset='1' is not supported: processors cannot be pinned",
    ],
    [domain().replace('hvm', 'xen'), "domain/os/type: 'xen' is not supported, only hvm"],
    [
      domain().replace('</os>', '<loader>/fw</loader></os>'),
      "domain/os: <loader> is not supported: the driver chooses the firmware: write <os firmware='efi'> or nothing",
    ],
    [
      domain().replace('</os>', "<boot dev='fd'/></os>"),
      "domain/os/boot: 'fd' is not supported, only hd, cdrom, network",
    ],
    [domain().replace('</os>', '<initrd>/i</initrd></os>'), 'domain/os: initrd and cmdline need a kernel'],
    [
      domain('<features><hyperv/></features>'),
      'domain/features: <hyperv> is not supported: guests get no interfaces of Hyper-V',
    ],
    [domain("<features><apic eoi='on'/></features>"), "domain/features/apic: attribute eoi='on' is not supported"],
    [domain("<cpu mode='host-model'/>"), "domain/cpu: 'host-model' is not supported, only host-passthrough, maximum"],
    [
      domain("<cpu mode='maximum'><feature policy='require' name='vmx'/></cpu>"),
      "domain/cpu/feature: 'require' is not supported, only disable",
    ],
    [domain("<clock offset='variable'/>"), "domain/clock: 'variable' is not supported, only utc, localtime"],
    [
      domain("<clock offset='utc'><timer name='hpet' present='yes'/></clock>"),
      "domain/clock: <timer> is not supported with name='hpet' present='yes': every machine has rtc with tickpolicy='catchup', pit with 'delay', no hpet, and no others",
    ],
    [domain('<on_crash>preserve</on_crash>'), "domain/on_crash: 'preserve' is not supported, only destroy, restart"],
    [
      withDevices("<graphics type='vnc'/>"),
      "domain/devices: <graphics> is not supported with type='vnc': guests have no display: use a serial console",
    ],
    [
      withDevices("<controller type='scsi'/>"),
      "domain/devices: <controller> is not supported with type='scsi': the driver makes the controllers that its devices need, in their usual form",
    ],
    [
      withDevices(`${disk}${disk.replace('raw', 'vmdk').replace('vda', 'vdb')}`),
      "domain/devices/disk[2]/driver: 'vmdk' is not supported, only raw, qcow2",
    ],
    [
      withDevices(disk.replace(" type='raw'", '')),
      'domain/devices/disk/driver: type must name the format: images are not probed',
    ],
    [
      withDevices(disk.replace("<driver type='raw'/>", '')),
      'domain/devices/disk: <driver type> must name the format: images are not probed',
    ],
    [
      withDevices(disk.replace("'raw'", "'raw' io='native'")),
      "domain/devices/disk/driver: attribute io='native' is not supported",
    ],
    [
      withDevices(disk.replace("'raw'", "'raw' cache='none'")),
      "domain/devices/disk/driver: 'none' is not supported, only default, writeback, unsafe",
    ],
    [withDevices(disk.replace('vda', 'sda')), "domain/devices/disk/target: 'scsi' is not supported, only virtio, sata"],
    [
      withDevices(disk.replace("<source file='/a'/>", '')),
      'domain/devices/disk: a drive without <source> is not supported',
    ],
    [
      withDevices(disk.replace('</disk>', '<shareable/></disk>')),
      'domain/devices/disk: <shareable> is not supported: an image belongs to one domain at a time',
    ],
    [
      withDevices("<interface type='network'><source network='default'/></interface>"),
      "domain/devices/interface: 'network' is not supported, only user, ethernet",
    ],
    [withDevices("<interface type='ethernet'/>"), 'domain/devices/interface: <target dev> must name a tap device'],
    [
      withDevices("<interface type='user'><target dev='tap0'/></interface>"),
      "domain/devices/interface: <target> is not supported with dev='tap0'",
    ],
    [
      withDevices("<interface type='user'><link state='down'/></interface>"),
      "domain/devices/interface: <link> is not supported with state='down'",
    ],
    [withDevices("<serial type='tcp'/>"), "domain/devices/serial: 'tcp' is not supported, only pty, unix"],
    [
      withDevices("<serial type='unix'><source mode='connect' path='/s'/></serial>"),
      "domain/devices/serial/source: 'connect' is not supported, only bind",
    ],
    [
      withDevices("<serial type='pty'><target port='1'/></serial>"),
      "domain/devices/serial/target: port '1' is not the 0 of its place",
    ],
    [
      withDevices("<serial type='pty'/><console type='unix'/>"),
      'domain/devices/console: the first console is the first serial port, but the two differ',
    ],
    [
      withDevices("<serial type='pty'/><console type='pty'><alias name='ua-x'/></console>"),
      'domain/devices/console: the first console is the first serial port, but the two differ',
    ],
    [
      withDevices("<serial type='unix'/><console type='unix'><source path='/s'/></console>"),
      'domain/devices/console: the first console is the first serial port, but the two differ',
    ],
    [
      withDevices("<console type='pty'/><console type='pty'/>"),
      'domain/devices/console[2]: only the first console can be a serial port',
    ],
    [
      withDevices("<memballoon model='virtio' autodeflate='off'/>"),
      "domain/devices/memballoon: attribute autodeflate='off' is not supported",
    ],
    [
      withDevices("<rng model='virtio'><backend model='egd'/></rng>"),
      "domain/devices/rng/backend: 'egd' is not supported, only random",
    ],
    [
      withDevices("<controller type='virtio-serial' ports='8'/>"),
      "domain/devices: <controller> is not supported with type='virtio-serial' ports='8': the driver makes the controllers that its devices need, in their usual form",
    ],
    [
      withDevices(disk.replace('</disk>', "<alias name='ua-x'/></disk>")),
      "domain/devices/disk: <alias> is not supported with name='ua-x'",
    ],
    [domain("<vcpu placement='auto'>2</vcpu>"), "domain/vcpu: attribute placement='auto' is not supported"],
    [
      domain("<cpu mode='host-passthrough' migratable='off'/>"),
      "domain/cpu: attribute migratable='off' is not supported",
    ],
    [
      withDevices(disk.replace('<target', "<target tray='open'")),
      "domain/devices/disk/target: attribute tray='open' is not supported",
    ],
    [withDevices("<panic model='hyperv'/>"), "domain/devices/panic: 'hyperv' is not supported, only isa"],
    [
      domain('<iothreads>2</iothreads>'),
      "domain/iothreads: '2' is not supported, only 0: disks have no threads of their own",
    ],
    [
      domain("<vcpu>2</vcpu><cpu mode='maximum'><topology sockets='2' cores='1' threads='1'/></cpu>"),
      "domain/cpu/topology: sockets='2' is not supported, only 1: the processors are cores of one socket; domain/cpu/topology: cores='1' is not supported, only 2: the processors are cores of one socket",
    ],
    [
      domain("<features><vmport state='on'/></features>"),
      "domain/features: <vmport> is not supported with state='on': the port of VMware's tools is always off",
    ],
    [domain('<memoryBacking><hugepages/></memoryBacking>'), 'domain/memoryBacking: <hugepages> is not supported'],
    [
      domain("<seclabel type='static' model='selinux'><label>x</label></seclabel>"),
      "domain: <seclabel> is not supported with type='static' model='selinux'",
    ],
    [
      withDevices("<video><model type='qxl'/></video>"),
      "domain/devices/video: <model> is not supported with type='qxl': guests have no display: use a serial console",
    ],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(`CONFIG_UNSUPPORTED ${message}`)
  })
})

describe('everything that is refused is told at once', () => {
  const disk = (inside: string): string => `<disk type='file'><source file='/a'/><target dev='vda'/>${inside}</disk>`

  it('in the order of the parts of a domain', () => {
    const text = domain(`<vcpu cpuset='1'>2</vcpu><features><hyperv/></features>
      <devices>${disk("<driver type='vmdk' io='native'/>")}${disk('<shareable/>').replace('vda', 'vdb')}
      <interface type='network'><source network='default'/></interface>
      <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel><sound model='ich9'/></devices>`)
    expect(refusal(text).replace('CONFIG_UNSUPPORTED ', '').split('; ')).toEqual([
      "domain/vcpu: attribute cpuset='1' is not supported: processors cannot be pinned",
      'domain/features: <hyperv> is not supported: guests get no interfaces of Hyper-V',
      "domain/devices/disk[1]/driver: 'vmdk' is not supported, only raw, qcow2",
      "domain/devices/disk[1]/driver: attribute io='native' is not supported",
      'domain/devices/disk[2]: <driver type> must name the format: images are not probed',
      'domain/devices/disk[2]: <shareable> is not supported: an image belongs to one domain at a time',
      "domain/devices/interface: 'network' is not supported, only user, ethernet",
      "domain/devices/channel: 'spicevmc' is not supported, only pty, unix",
      "domain/devices: <sound> is not supported with model='ich9': guests have no sound",
    ])
  })

  it('but no more than a person reads', () => {
    const text = refusal(withDevices("<sound model='ich9'/>".repeat(30_000)))
    expect(text.split('; ')).toHaveLength(21)
    expect(text).toMatch(/; and 29980 more$/)
  })

  it('unless the kind of guest is refused, which decides what all the rest means', () => {
    expect(refusal(domain('<bootloader/>').replace("'qemu'", "'xen'"))).toBe(
      "CONFIG_UNSUPPORTED domain: 'xen' is not supported, only qemu, kvm, test",
    )
  })

  it('after a malformed value nothing is told but that', () => {
    const text = domain(`<features><hyperv/></features><devices><sound/>${disk('').replace('/a', 'a')}</devices>`)
    expect(refusal(text)).toMatch(/^XML_ERROR domain\/devices\/disk\/source: /)
  })
})

describe('files as users have them', () => {
  it.each(['virt-install.xml', 'virt-manager.xml', 'dumpxml.xml'])('%s is read', async (name) => {
    expect(refusal(await sample(name))).toBe('accepted')
  })

  it('a desktop tells all that is in the way', async () => {
    const told = refusal(await sample('desktop.xml')).split('; ')
    expect(told.map((one) => one.replace(/^CONFIG_UNSUPPORTED /, '').replace(/ is not supported.*/, ''))).toEqual([
      "domain/vcpu: attribute cpuset='0-3'",
      'domain/features: <hyperv>',
      'domain/features: <kvm>',
      "domain/cpu/topology: cores='2'",
      "domain/cpu/topology: threads='2'",
      'domain/clock: <timer>',
      "domain/devices/disk/driver: 'none'",
      "domain/devices/disk/driver: attribute io='native'",
      "domain/devices/disk/target: 'scsi'",
      'domain/devices/disk: <boot>',
      "domain/devices/interface: 'network'",
      "domain/devices/channel: 'spicevmc'",
      'domain/devices: <controller>',
      'domain/devices: <tpm>',
      'domain/devices: <graphics>',
      'domain/devices: <sound>',
      'domain/devices/video: <model>',
      'domain/devices: <hostdev>',
      'domain/devices: <redirdev>',
      'domain/os: <loader>',
      'and 1 more',
    ])
  })
})

describe('backing images', () => {
  const disk = (backing: string, type = 'qcow2'): string =>
    withDevices(`<disk type='file'><driver type='${type}'/><source file='/a'/>${backing}<target dev='vda'/></disk>`)
  const base = "<format type='raw'/><source file='/b'/>"

  it('are read as far as the XML names them', () => {
    const backing = (text: string): unknown => parse(disk(text)).devices.disks[0]?.backing
    const image = { format: 'raw', source: { kind: 'file', path: '/b' } }
    expect(backing('')).toBeUndefined()
    expect(backing('<backingStore/>')).toBeNull()
    expect(backing(`<backingStore type='file'>${base}</backingStore>`)).toEqual(image)
    expect(backing(`<backingStore type='file' index='2'>${base}<backingStore/></backingStore>`)).toEqual({
      ...image,
      backing: null,
    })
  })

  it.each([
    [
      disk(`<backingStore type='file'>${base}</backingStore>`, 'raw'),
      "CONFIG_UNSUPPORTED domain/devices/disk/backingStore: an image of the format 'raw' has no backing image",
    ],
    [
      disk("<backingStore type='network'/>"),
      "CONFIG_UNSUPPORTED domain/devices/disk/backingStore: 'network' is not supported, only file, block",
    ],
    [
      disk("<backingStore type='file'><source file='/b'/></backingStore>"),
      'XML_ERROR domain/devices/disk/backingStore: <format> is missing',
    ],
    [
      disk(`<backingStore type='file'><format type='vmdk'/><source file='/b'/></backingStore>`),
      "CONFIG_UNSUPPORTED domain/devices/disk/backingStore/format: 'vmdk' is not supported, only raw, qcow2",
    ],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message)
  })

  it('are no more than a chain that can be opened', () => {
    const layer = "<backingStore type='file'><format type='qcow2'/><source file='/b'/>"
    const chain = (length: number): string => disk(layer.repeat(length) + '</backingStore>'.repeat(length))
    expect(refusal(chain(16))).toBe('accepted')
    expect(refusal(chain(17))).toMatch(/^XML_ERROR .*: there are more than 16 images behind one disk$/)
  })
})

describe('what is malformed', () => {
  const disk = "<disk type='file'><driver type='raw'/><source file='/a'/><target dev='vda'/></disk>"
  it.each([
    ['<network/>', 'the root element is <network>, not <domain>'],
    [domain().replace("type='qemu'", ''), "domain: attribute 'type' is missing"],
    [domain().replace('<name>work</name>', ''), 'domain: <name> is missing'],
    [domain('<name>other</name>'), 'domain: there is more than one <name>'],
    [domain().replace(os, ''), 'domain: <os> is missing'],
    [domain('text'), 'domain: there is text where none belongs'],
    [domain('<currentMemory>1025</currentMemory>'), 'domain: current memory 1025 KiB exceeds maximum 1024 KiB'],
    [domain('<vcpu>0</vcpu>'), "domain/vcpu: '0' is not a number above 0"],
    [domain('<vcpu>4097</vcpu>'), 'domain/vcpu: more than 4096 processors'],
    [domain('<title>a\nb</title>'), 'domain/title: the text holds a control character'],
    [domain("<cpu><feature policy='disable' name='vmx'/></cpu>"), 'domain/cpu: features need a mode'],
    [
      domain("<cpu mode='maximum'><feature policy='disable' name='vmx,+svm'/></cpu>"),
      "domain/cpu/feature: 'vmx,+svm' is not a name of a feature",
    ],
    [domain().replace('</os>', '<kernel>k</kernel></os>'), "domain/os/kernel: 'k' is not an absolute path"],
    [domain().replace('</os>', "<boot dev='hd'/><boot dev='hd'/></os>"), 'domain/os: a boot device is named twice'],
    [domain('<metadata><a/></metadata>'), 'domain/metadata: <a> does not declare a namespace of its own'],
    [
      domain("<metadata><a xmlns='u'/><b:a xmlns:b='u'/></metadata>"),
      "domain/metadata: there is more than one element of the namespace 'u'",
    ],
    [
      domain("<metadata><a xmlns='u'><b:c/></a></metadata>"),
      "domain/metadata: the namespace prefix of 'b:c' is not declared",
    ],
    [withDevices(disk.repeat(2)), "domain/devices/disk[2]: target 'vda' is taken by another disk"],
    [withDevices(disk.replace('vda', '../x')), "domain/devices/disk/target: '../x' is not a disk target"],
    [withDevices(disk.replace('/a', 'a')), "domain/devices/disk/source: 'a' is not an absolute path"],
    [
      withDevices(disk.replace('/a', `/${'a'.repeat(4095)}`)),
      'domain/devices/disk/source: the path is longer than 4095 bytes',
    ],
    [withDevices(disk.replace('/a', '/a&#10;b')), 'domain/devices/disk/source: the text holds a control character'],
    [
      withDevices("<interface type='user'><mac address='01:00:00:00:00:00'/></interface>"),
      "domain/devices/interface/mac: '01:00:00:00:00:00' is a multicast address",
    ],
    [
      withDevices("<interface type='ethernet'><target dev='a/b'/></interface>"),
      "domain/devices/interface/target: 'a/b' is not a name of a network device",
    ],
    [
      withDevices("<channel type='unix'><target type='virtio' name='a'/></channel>".repeat(2)),
      "domain/devices: two character devices have the name 'a'",
    ],
    [
      withDevices("<serial type='pty'><alias name='ua-x'/></serial>".repeat(2)),
      "domain/devices: two character devices have the alias 'ua-x'",
    ],
    [
      withDevices("<serial type='unix'><source path='/s'/></serial>".repeat(2)),
      "domain/devices: two character devices have the path '/s'",
    ],
    [
      withDevices(`<serial type='unix'><source mode='bind' path='/${'s'.repeat(107)}'/></serial>`),
      'domain/devices/serial/source: the path is longer than 107 bytes',
    ],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(`XML_ERROR ${message}`)
  })

  it('quotes no more than the beginning of what it refuses', () => {
    expect(refusal(domain(`<on_crash>${'x'.repeat(100_000)}</on_crash>`)).length).toBeLessThan(300)
    expect(refusal(domain(`<${'x'.repeat(100_000)}/>`)).length).toBeLessThan(300)
    expect(refusal(`<a><${'b'.repeat(100_000)}></a>`).length).toBeLessThan(300)
  })
})

describe('hostile XML', () => {
  it.each([
    ['', 'root element'],
    ['<domain', 'root element'],
    [`<a><${'b'.repeat(10_000)}></a>`, 'unexpected close tag'],
    ['<!DOCTYPE domain [<!ENTITY a "b">]><domain>&a;</domain>', 'DOCTYPE'],
    ['<domain>&undefined;</domain>', 'entity'],
    ['<a>'.repeat(65), 'nested deeper than 64'],
    [`<domain ${Array.from({ length: 65 }, (_, at) => `a${at}=''`).join(' ')}/>`, 'more than 64 attributes'],
    [domain(' '.repeat(1 << 20)), 'longer than'],
    ['<domain/><domain/>', ''],
    ['<domain>\ud800x</domain>', 'half a character'],
    ['<domain a="1" a="2"/>', 'attribute'],
  ])('%s', (text, reason) => {
    expect(refusal(text)).toMatch(/^XML_DETAIL /)
    expect(refusal(text)).toContain(reason)
  })

  it('of a great many devices is read in time', () => {
    const channels = Array.from(
      { length: 10_000 },
      (_, at) => `<channel type='pty'><target type='virtio' name='c${at}'/></channel>`,
    )
    const before = performance.now()
    expect(parse(withDevices(channels.join(''))).devices.channels).toHaveLength(10_000)
    expect(performance.now() - before).toBeLessThan(5000)
  })
})
