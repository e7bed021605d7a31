import { describe, expect, it } from 'vitest'
import { domain, os, parse, refusal, withDevices } from './testing/parsing.ts'

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
