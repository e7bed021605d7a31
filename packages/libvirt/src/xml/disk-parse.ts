import { msg } from '@cloister/kit'
import type { DiskDefinition, ImageDefinition, ImageFormat } from '../domain-definition.ts'
import { given } from '../given.ts'
import type { ElementReader } from './element-reader.ts'
import { absolutePath, matching } from './values.ts'

/** Most images behind one disk. */
const longestChain = 16

const formats: readonly [ImageFormat, ImageFormat] = ['raw', 'qcow2']

/** All `<disk>`. @throws LibvirtError XML_ERROR */
export function readDisks(devices: ElementReader): DiskDefinition[] {
  const targets = new Set<string>()
  return devices.all('disk', (element) => {
    const disk = readDisk(element)
    if (targets.has(disk.target)) element.malformed(msg`target '${disk.target}' is taken by another disk`)
    targets.add(disk.target)
    return disk
  })
}

function readDisk(disk: ElementReader): DiskDefinition {
  const device = disk.kind(['disk', 'cdrom'], disk.attribute('device') ?? 'disk')
  const readonly = disk.one('readonly', () => true) ?? device === 'cdrom'
  const serial = disk.one('serial', readSerialNumber)
  if (!disk.has('driver')) disk.refuse(msg`<driver type> must name the format: images are not probed`)
  const source = readSource(disk)
  const driver = disk.one('driver', readDiskDriver) ?? noDriver
  const backing = readBacking(disk, driver.format, 0)
  return {
    device,
    source,
    ...driver,
    ...given({ backing }),
    ...disk.required('target', readDiskTarget),
    readonly,
    ...given({ serial }),
  }
}

/** The image behind an image: null when the chain ends here, undefined when the XML does not say. */
function readBacking(image: ElementReader, format: ImageFormat, depth: number): ImageDefinition | null | undefined {
  return image.one('backingStore', (store) => {
    if (store.isEmpty) return null
    if (format === 'raw') store.refuseWhole(msg`an image of the format 'raw' has no backing image`)
    if (depth === longestChain) store.malformed(msg`there are more than ${longestChain} images behind one disk`)
    // A number in a running domain.
    store.attribute('index')
    const source = readSource(store)
    const below = store.required('format', (element) => element.kind(formats, element.requiredAttribute('type')))
    return { source, format: below, ...given({ backing: readBacking(store, below, depth + 1) }) }
  })
}

function readSource(disk: ElementReader): ImageDefinition['source'] {
  const kind = disk.kind(['file', 'block'], disk.requiredAttribute('type'))
  const path = disk.one('source', (source) =>
    absolutePath(source, source.requiredAttribute(kind === 'file' ? 'file' : 'dev')),
  )
  return { kind, path: path ?? disk.refuseWhole(msg`a drive without <source> is not supported`) }
}

/** Stands in the definition of a disk whose format is not named, which is refused. */
const noDriver = { format: 'raw', discard: 'ignore', cache: 'default' } as const

function readDiskDriver(driver: ElementReader): Pick<DiskDefinition, 'format' | 'discard' | 'cache'> {
  const format = driver.attribute('type')
  if (format === undefined) driver.refuse(msg`type must name the format: images are not probed`)
  // What an image is opened with when nothing is said is what libvirt calls 'writeback'.
  const cache = driver.choice('cache', ['default', 'writeback', 'unsafe'], 'default')
  return {
    format: driver.oneOf(formats, format ?? 'raw'),
    discard: driver.choice('discard', ['unmap', 'ignore'], 'ignore'),
    cache: cache === 'writeback' ? 'default' : cache,
  }
}

/** Buses by the first letters of a target's name, as libvirt takes them when the XML names none. */
const defaultBuses: Readonly<Record<string, string>> = { vd: 'virtio', xvd: 'xen', sd: 'scsi', hd: 'ide' }

function readDiskTarget(target: ElementReader): Pick<DiskDefinition, 'target' | 'bus'> {
  const name = target.requiredAttribute('dev')
  const [, prefix = ''] =
    /^(vd|xvd|sd|hd)[a-z]{1,3}$/.exec(name) ?? target.malformed(msg`'${name}' is not a disk target`)
  const bus = target.attribute('bus') ?? defaultBuses[prefix] ?? ''
  return { target: name, bus: target.oneOf(['virtio', 'sata'], bus) }
}

/** A guest sees at most 20 characters of the serial number of a virtio or SATA disk. */
function readSerialNumber(serial: ElementReader): string {
  return matching(serial, serial.content(), /^[A-Za-z0-9_.+-]{1,20}$/, 'a serial number of at most 20 characters')
}
