import { msg, parseXml, type XmlElement, XmlError } from '@cloister/kit'
import type { CpuDefinition, DomainDefinition, LifecycleAction, OsDefinition } from '../domain-definition.ts'
import { LibvirtError } from '../error.ts'
import { given } from '../given.ts'
import { shown } from '../shown.ts'
import { randomUuid } from '../uuid.ts'
import { readDevices } from './device-parse.ts'
import type { DomainXmlHost } from './domain-xml-host.ts'
import { ElementReader } from './element-reader.ts'
import { readMetadata } from './metadata.ts'
import { matching, readCount, readLine, readMemory, readName, readPath, readText, readUuid } from './values.ts'

/** Longest domain XML, characters. */
const maxLength = 1 << 20
/** Most processors, as many as any machine type of QEMU has. */
const maxVcpus = 4096
/** Longest kernel command line, characters. */
const maxCmdline = 4096

/** Architectures as Node names them, and as libvirt does. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  ia32: 'i686',
  arm64: 'aarch64',
  loong64: 'loongarch64',
}

const domainTypes = ['qemu', 'kvm', 'test'] as const
const features = ['acpi', 'apic', 'pae'] as const
const lifecycleActions = ['destroy', 'restart'] as const

/**
 * Reads domain XML (reference: libvirt, 8.4). Missing values get libvirt's defaults; what no driver of ours can do is
 * refused by its path, unless it is known to mean nothing.
 * @throws LibvirtError XML_DETAIL when it is not well formed, XML_ERROR when a value is malformed, CONFIG_UNSUPPORTED
 */
export function parseDomainXml(text: string, host: DomainXmlHost): DomainDefinition {
  const root = readTree(text)
  if (root.name !== 'domain') {
    throw new LibvirtError('XML_ERROR', msg`the root element is <${shown(root.name)}>, not <domain>`, {
      domain: 'DOMAIN',
    })
  }
  return ElementReader.read(root, (domain) => readDomain(domain, host))
}

function readTree(text: string): XmlElement {
  try {
    return parseXml(text, { bytes: maxLength })
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new LibvirtError('XML_DETAIL', shown(error.message), { domain: 'XML', cause: error })
  }
}

function readDomain(domain: ElementReader, host: DomainXmlHost): DomainDefinition {
  const maxMemory = domain.required('memory', readMemory)
  return {
    type: domain.oneOf(domainTypes, domain.requiredAttribute('type')),
    name: domain.required('name', readName),
    uuid: domain.one('uuid', readUuid) ?? randomUuid(host.random),
    ...given({
      title: domain.one('title', readLine),
      description: domain.one('description', readText),
      metadata: domain.one('metadata', readMetadata),
    }),
    maxMemory,
    memory: readCurrentMemory(domain, maxMemory),
    vcpus: domain.one('vcpu', readVcpus) ?? 1,
    os: domain.required('os', (os) => readOs(os, host)),
    features: domain.one('features', readFeatures) ?? [],
    cpu: domain.one('cpu', readCpu) ?? { mode: 'default', disabled: [] },
    clock: domain.one('clock', (clock) => clock.choice('offset', ['utc', 'localtime'], 'utc')) ?? 'utc',
    onPoweroff: domain.one('on_poweroff', readAction) ?? 'destroy',
    onReboot: domain.one('on_reboot', readAction) ?? 'restart',
    onCrash: domain.one('on_crash', readAction) ?? 'destroy',
    devices: readDevices(domain, host),
  }
}

function readCurrentMemory(domain: ElementReader, maxMemory: number): number {
  const memory = domain.one('currentMemory', readMemory) ?? maxMemory
  if (memory > maxMemory) domain.malformed(msg`current memory ${memory} KiB exceeds maximum ${maxMemory} KiB`)
  return memory
}

function readVcpus(vcpu: ElementReader): number {
  const count = readCount(vcpu)
  if (count > maxVcpus) vcpu.malformed(msg`more than ${maxVcpus} processors`)
  const current = vcpu.attribute('current')
  if (current !== undefined && current !== String(count)) vcpu.unsupported(msg`all processors are there from the start`)
  return count
}

function readAction(action: ElementReader): LifecycleAction {
  return action.oneOf(lifecycleActions, action.content())
}

function readFeatures(element: ElementReader): string[] {
  return features.filter((name) => element.one(name, () => true))
}

function readCpu(cpu: ElementReader): CpuDefinition {
  const mode = cpu.attribute('mode')
  const disabled = cpu.all('feature', readDisabledFeature)
  if (mode === undefined && disabled.length > 0) cpu.malformed(msg`features need a mode`)
  return { mode: mode === undefined ? 'default' : cpu.oneOf(['host-passthrough', 'maximum'], mode), disabled }
}

function readDisabledFeature(feature: ElementReader): string {
  feature.oneOf(['disable'], feature.requiredAttribute('policy'))
  return matching(feature, feature.requiredAttribute('name'), /^[A-Za-z0-9_.-]{1,64}$/, 'a name of a feature')
}

function readOs(os: ElementReader, host: DomainXmlHost): OsDefinition {
  const boot = os.all('boot', (one) => one.oneOf(['hd', 'cdrom', 'network'] as const, one.requiredAttribute('dev')))
  if (new Set(boot).size < boot.length) os.malformed(msg`a boot device is named twice`)
  const kernel = readKernel(os)
  return {
    ...os.required('type', (type) => readOsType(type, host)),
    ...kernel,
    firmware: os.choice('firmware', ['bios', 'efi'], 'bios'),
    boot: boot.length === 0 && kernel.kernel === undefined ? ['hd'] : boot,
  }
}

function readOsType(type: ElementReader, host: DomainXmlHost): Pick<OsDefinition, 'arch' | 'machine'> {
  type.oneOf(['hvm'], type.content())
  const arch = type.attribute('arch') ?? architectures[host.architecture] ?? host.architecture
  const machine = type.attribute('machine')
  return {
    arch: matching(type, arch, /^[a-z0-9_]{1,32}$/, 'an architecture'),
    ...given({ machine: machine === undefined ? undefined : readMachine(type, machine) }),
  }
}

function readMachine(type: ElementReader, machine: string): string {
  return matching(type, machine, /^[A-Za-z0-9._-]{1,64}$/, 'a machine type')
}

function readKernel(os: ElementReader): Pick<OsDefinition, 'kernel' | 'initrd' | 'cmdline'> {
  const kernel = os.one('kernel', readPath)
  const initrd = os.one('initrd', readPath)
  const cmdline = os.one('cmdline', readLine)
  if (kernel === undefined && (initrd ?? cmdline) !== undefined) os.unsupported(msg`initrd and cmdline need a kernel`)
  if (cmdline && cmdline.length > maxCmdline) os.malformed(msg`cmdline is longer than ${maxCmdline} characters`)
  return given({ kernel, initrd, cmdline })
}
