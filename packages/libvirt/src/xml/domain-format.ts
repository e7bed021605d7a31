import { formatXml, type XmlElement, xml } from '@cloister/kit'
import type { CpuDefinition, DomainDefinition, OsDefinition, PowerManagementDefinition } from '../domain-definition.ts'
import { devicesElement } from './device-format.ts'
import { metadataElement } from './metadata.ts'

/** What the XML of a running domain says beyond its definition. */
export interface LiveDomain {
  /** Above 0. */
  readonly id: number
  /** KiB that the guest has now, when that is not what it started with. */
  readonly memory?: number
  /** Terminals (`/dev/pts/3`) and sockets of character devices, by alias. */
  readonly paths: ReadonlyMap<string, string>
}

/**
 * Domain XML as `getXMLDesc` returns it (reference: libvirt, 8.4): with id, aliases, terminals and sockets when the domain
 * runs, otherwise the stored configuration alone. `parseDomainXml` reads the latter back as it was.
 */
export function formatDomainXml(definition: DomainDefinition, live?: LiveDomain): string {
  const { os, devices } = definition
  const domain = xml(
    'domain',
    { type: definition.type, id: live?.id },
    xml('name', {}, definition.name),
    xml('uuid', {}, definition.uuid),
    textElement('title', definition.title),
    textElement('description', definition.description),
    definition.metadata === undefined ? undefined : metadataElement(definition.metadata),
    xml('memory', { unit: 'KiB' }, definition.maxMemory),
    xml('currentMemory', { unit: 'KiB' }, live?.memory ?? definition.memory),
    xml('vcpu', { placement: 'static' }, definition.vcpus),
    osElement(os),
    featuresElement(definition.features),
    cpuElement(definition.cpu),
    xml('clock', { offset: definition.clock }),
    xml('on_poweroff', {}, definition.onPoweroff),
    xml('on_reboot', {}, definition.onReboot),
    xml('on_crash', {}, definition.onCrash),
    powerManagementElement(definition.pm),
    devicesElement(devices, live),
  )
  return formatXml(domain)
}

function textElement(name: string, text: string | undefined): XmlElement | undefined {
  return text === undefined ? undefined : xml(name, {}, text)
}

function osElement(os: OsDefinition): XmlElement {
  return xml(
    'os',
    { firmware: os.firmware === 'bios' ? undefined : os.firmware },
    xml('type', { arch: os.arch, machine: os.machine }, 'hvm'),
    textElement('kernel', os.kernel),
    textElement('initrd', os.initrd),
    textElement('cmdline', os.cmdline),
    ...os.boot.map((dev) => xml('boot', { dev })),
  )
}

function featuresElement(features: readonly string[]): XmlElement | undefined {
  return features.length === 0 ? undefined : xml('features', {}, ...features.map((name) => xml(name)))
}

function cpuElement({ mode, disabled }: CpuDefinition): XmlElement | undefined {
  if (mode === 'default') return undefined
  return xml('cpu', { mode }, ...disabled.map((name) => xml('feature', { policy: 'disable', name })))
}

/** What is allowed, which is the default, is not written. */
function powerManagementElement({ suspendToMem, suspendToDisk }: PowerManagementDefinition): XmlElement | undefined {
  if (suspendToMem && suspendToDisk) return undefined
  return xml(
    'pm',
    {},
    suspendToMem ? undefined : xml('suspend-to-mem', { enabled: 'no' }),
    suspendToDisk ? undefined : xml('suspend-to-disk', { enabled: 'no' }),
  )
}
