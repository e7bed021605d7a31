import { msg, parseXml, type XmlElement, XmlError } from '@cloister/kit'
import type {
  CpuDefinition,
  DomainDefinition,
  LifecycleAction,
  OsDefinition,
  PowerManagementDefinition,
} from '../domain-definition.ts'
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
const lifecycleActions: readonly [LifecycleAction, LifecycleAction] = ['destroy', 'restart']

/**
 * Reads domain XML (reference: libvirt, 8.4). Missing values get libvirt's defaults. An element or attribute that no driver
 * can honour is refused by its path, unless `passed-over.ts` lists it.
 * @throws LibvirtError XML_DETAIL when the text is not well formed, XML_ERROR for the first value that is malformed,
 * CONFIG_UNSUPPORTED with everything that was refused
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
  const type = domain.kind(domainTypes, domain.requiredAttribute('type'))
  const maxMemory = domain.required('memory', readMemory)
  const vcpus = domain.one('vcpu', readVcpus) ?? 1
  domain.one('iothreads', readIoThreads)
  return {
    type,
    name: domain.required('name', readName),
    uuid: domain.one('uuid', readUuid) ?? randomUuid(host.random),
    ...given({
      title: domain.one('title', readLine),
      description: domain.one('description', readText),
      metadata: domain.one('metadata', readMetadata),
    }),
    maxMemory,
    memory: readCurrentMemory(domain, maxMemory),
    vcpus,
    features: domain.one('features', readFeatures) ?? [],
    cpu: domain.one('cpu', (cpu) => readCpu(cpu, vcpus)) ?? { mode: 'default', disabled: [] },
    clock: domain.one('clock', (clock) => clock.choice('offset', ['utc', 'localtime'], 'utc')) ?? 'utc',
    onPoweroff: domain.one('on_poweroff', readAction) ?? 'destroy',
    onReboot: domain.one('on_reboot', readAction) ?? 'restart',
    onCrash: domain.one('on_crash', readAction) ?? 'destroy',
    pm: domain.one('pm', readPowerManagement) ?? { suspendToMem: true, suspendToDisk: true },
    devices: readDevices(domain, host),
    // Last: a domain whose kind of guest is refused is refused with it, after everything else has been looked at.
    os: domain.required('os', (os) => readOs(os, host)),
  }
}

function readIoThreads(element: ElementReader): void {
  const count = element.content()
  if (count !== '0') element.refuse(msg`'${count}' is not supported, only 0: disks have no threads of their own`)
}

function readPowerManagement(pm: ElementReader): PowerManagementDefinition {
  const enabled = (name: string): boolean =>
    (pm.one(name, (element) => element.choice('enabled', ['yes', 'no'], 'yes')) ?? 'yes') === 'yes'
  return { suspendToMem: enabled('suspend-to-mem'), suspendToDisk: enabled('suspend-to-disk') }
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
  if (current !== undefined && current !== String(count)) vcpu.refuse(msg`all processors are there from the start`)
  return count
}

function readAction(action: ElementReader): LifecycleAction {
  return action.oneOf(lifecycleActions, action.content())
}

function readFeatures(element: ElementReader): string[] {
  return features.filter((name) => element.one(name, () => true))
}

function readCpu(cpu: ElementReader, vcpus: number): CpuDefinition {
  const mode = cpu.attribute('mode')
  cpu.one('topology', (topology) => readTopology(topology, vcpus))
  const disabled = cpu.all('feature', readDisabledFeature)
  if (mode === undefined && disabled.length > 0) cpu.malformed(msg`features need a mode`)
  return { mode: mode === undefined ? 'default' : cpu.oneOf(['host-passthrough', 'maximum'], mode), disabled }
}

/** Machines are made with one socket, whose cores are the processors. */
function readTopology(topology: ElementReader, vcpus: number): void {
  const made = { sockets: 1, dies: 1, clusters: 1, cores: vcpus, threads: 1 }
  for (const [name, count] of Object.entries(made)) {
    const wanted = topology.attribute(name)
    if (wanted !== undefined && wanted !== String(count))
      topology.refuse(msg`${name}='${wanted}' is not supported, only ${count}: the processors are cores of one socket`)
  }
}

function readDisabledFeature(feature: ElementReader): string {
  feature.kind(['disable'], feature.requiredAttribute('policy'))
  return matching(feature, feature.requiredAttribute('name'), /^[A-Za-z0-9_.-]{1,64}$/, 'a name of a feature')
}

function readOs(os: ElementReader, host: DomainXmlHost): OsDefinition {
  const boot = os.all('boot', (one) => one.kind(['hd', 'cdrom', 'network'] as const, one.requiredAttribute('dev')))
  if (new Set(boot).size < boot.length) os.malformed(msg`a boot device is named twice`)
  const kernel = readKernel(os)
  const firmware = os.choice('firmware', ['bios', 'efi'], 'bios')
  return {
    ...os.required('type', (type) => readOsType(type, host)),
    ...kernel,
    firmware,
    boot: boot.length === 0 && kernel.kernel === undefined ? ['hd'] : boot,
  }
}

function readOsType(type: ElementReader, host: DomainXmlHost): Pick<OsDefinition, 'arch' | 'machine'> {
  type.kind(['hvm'], type.content())
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
  if (kernel === undefined && (initrd ?? cmdline) !== undefined) os.refuse(msg`initrd and cmdline need a kernel`)
  if (cmdline && cmdline.length > maxCmdline) os.malformed(msg`cmdline is longer than ${maxCmdline} characters`)
  return given({ kernel, initrd, cmdline })
}
