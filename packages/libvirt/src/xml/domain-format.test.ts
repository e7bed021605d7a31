import { describe, expect, it } from 'vitest'
import { testHost } from '../testing/test-host.ts'
import { formatDomainXml } from './domain-format.ts'
import { parseDomainXml } from './domain-parse.ts'

const definition = parseDomainXml(
  `<domain type='kvm'>
    <name>work</name><uuid>6695eb01f6a4830479aa97f2502e193f</uuid><title>W &amp; S</title>
    <metadata><q:qube xmlns:q='urn:q'>x</q:qube></metadata>
    <memory unit='MiB'>4</memory><currentMemory unit='MiB'>2</currentMemory><vcpu>2</vcpu>
    <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>
    <features><acpi/></features>
    <cpu mode='host-passthrough'><feature policy='disable' name='vmx'/></cpu>
    <on_reboot>destroy</on_reboot>
    <devices>
      <disk type='block'><driver type='raw' discard='unmap' cache='unsafe'/><source dev='/dev/x'/><target dev='vda'/><serial>root</serial></disk>
      <interface type='ethernet'><mac address='52:54:00:11:22:33'/><target dev='tap0'/><model type='virtio'/></interface>
      <console type='pty'/>
      <channel type='unix'><target type='virtio' name='org.cloister.qrexec.0'/></channel>
      <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
      <panic/>
    </devices>
  </domain>`,
  testHost,
)

describe('formatDomainXml', () => {
  it('writes the stored configuration', () => {
    expect(formatDomainXml(definition)).toBe(`<domain type='kvm'>
  <name>work</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <title>W &amp; S</title>
  <metadata>
    <q:qube xmlns:q='urn:q'>x</q:qube>
  </metadata>
  <memory unit='KiB'>4096</memory>
  <currentMemory unit='KiB'>2048</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os firmware='efi'>
    <type arch='x86_64' machine='q35'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
  </features>
  <cpu mode='host-passthrough'>
    <feature policy='disable' name='vmx'/>
  </cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe' discard='unmap'/>
      <source dev='/dev/x'/>
      <target dev='vda' bus='virtio'/>
      <serial>root</serial>
    </disk>
    <interface type='ethernet'>
      <mac address='52:54:00:11:22:33'/>
      <target dev='tap0' managed='no'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <target type='virtio' name='org.cloister.qrexec.0'/>
    </channel>
    <memballoon model='virtio'/>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
    <panic model='isa'/>
  </devices>
</domain>
`)
  })

  it('adds id, memory, aliases, terminals and sockets of a running domain', () => {
    const paths = new Map([
      ['serial0', '/dev/pts/3'],
      ['channel0', '/run/channel0.sock'],
    ])
    const text = formatDomainXml(definition, { id: 7, memory: 3072, paths })
    expect(text).toContain("<domain type='kvm' id='7'>")
    expect(text).toContain("<currentMemory unit='KiB'>3072</currentMemory>")
    expect(text).toContain("<alias name='virtio-disk0'/>")
    expect(text).toContain("<alias name='net0'/>")
    expect(text).toContain(`<console type='pty' tty='/dev/pts/3'>
      <source path='/dev/pts/3'/>
      <target type='serial' port='0'/>
      <alias name='serial0'/>`)
    expect(text).toContain(`<source mode='bind' path='/run/channel0.sock'/>`)
  })

  it('takes nothing for XML that is text', () => {
    const text = formatDomainXml({ ...definition, title: `<b>'"&`, description: ']]>' })
    expect(text).toContain(`<title>&lt;b&gt;'"&amp;</title>`)
    expect(text).toContain('<description>]]&gt;</description>')
  })
})
