import { describe, expect, it } from 'vitest'
import { domain, refusal, sample, withDevices } from './testing/parsing.ts'

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
