import type { DiskDefinition } from '../../../domain-definition.ts'
import type { Invocation } from './invocation.ts'
import { portPlace } from './pci-slots.ts'

/** A disk and what is known of its image. */
export interface DiskPlan {
  readonly disk: DiskDefinition
  /** Image (raw) that a qcow2 image was made over. */
  readonly backing?: string
  /** Place in the boot order, from 1. */
  readonly bootIndex?: number
}

/** Id of a disk's device in QEMU. */
export function diskId({ target }: DiskDefinition): string {
  return `disk-${target}`
}

/** Place of a disk on its bus: `vda` is 0, `vdb` 1, …, `vdaa` 26. */
export function diskIndex({ target }: DiskDefinition): number {
  const letters = target.replace(/^(xvd|vd|sd|hd)/, '')
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1
}

/**
 * The arguments of a disk: a node for the file, one for the format, which is never probed, and the device (reference:
 * storage-and-lifecycle, C.1). Images are opened by us, so that their files need not be open to QEMU's user.
 */
export function addDisk(invocation: Invocation, plan: DiskPlan): void {
  const { disk } = plan
  const node = disk.target
  const access = disk.readonly ? 'read' : 'readwrite'
  const shared = sharedOptions(disk)
  const file = `${node}-file`
  invocation.json('blockdev', {
    driver: disk.source.kind === 'block' ? 'host_device' : 'file',
    filename: invocation.image(disk.source.path, access),
    'node-name': file,
    ...shared,
  })
  const backing = addBacking(invocation, plan)
  invocation.json('blockdev', { driver: disk.format, file, 'node-name': node, ...backing, ...shared })
  invocation.json('device', device(plan))
}

/** Without a backing image nothing that stands in a qcow2 image can make QEMU open another file. */
function addBacking(invocation: Invocation, { disk, backing }: DiskPlan): { backing?: string | null } {
  if (disk.format !== 'qcow2') return {}
  if (backing === undefined) return { backing: null }
  const node = `${disk.target}-back`
  const options = { 'read-only': true, 'auto-read-only': false }
  const filename = invocation.image(backing, 'read')
  invocation.json('blockdev', { driver: 'file', filename, 'node-name': `${node}-file`, ...options })
  invocation.json('blockdev', { driver: 'raw', file: `${node}-file`, 'node-name': node, ...options })
  return { backing: node }
}

function sharedOptions({ readonly, discard, cache }: DiskDefinition): Record<string, unknown> {
  return {
    'read-only': readonly,
    'auto-read-only': false,
    discard,
    ...(cache === 'unsafe' && { cache: { direct: false, 'no-flush': true } }),
  }
}

function device({ disk, bootIndex }: DiskPlan): Record<string, unknown> {
  const common = { id: diskId(disk), drive: disk.target, serial: disk.serial, bootindex: bootIndex }
  if (disk.bus === 'virtio') return { driver: 'virtio-blk-pci', ...portPlace('disk', diskIndex(disk)), ...common }
  return { driver: disk.device === 'cdrom' ? 'ide-cd' : 'ide-hd', bus: `ide.${diskIndex(disk)}`, ...common }
}
