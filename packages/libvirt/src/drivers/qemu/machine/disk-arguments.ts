import type { DiskDefinition, ImageDefinition } from '../../../domain-definition.ts'
import type { Invocation } from './invocation.ts'
import { portPlace } from './pci-slots.ts'

/** Id of a disk's device in QEMU. */
export function diskId({ target }: DiskDefinition): string {
  return `disk-${target}`
}

/** Place of a disk on its bus: `vda` is 0, `vdb` 1, …, `vdaa` 26. */
export function diskIndex({ target }: DiskDefinition): number {
  const letters = target.replace(/^(xvd|vd|sd|hd)/, '')
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1
}

/** The image of a disk and those behind it, from the top. */
export function imageChain(disk: ImageDefinition): ImageDefinition[] {
  return [disk, ...(disk.backing ? imageChain(disk.backing) : [])]
}

/**
 * The arguments of a disk: for each of its images a node for the file and one for the format, which is never probed, and the
 * device (reference: storage-and-lifecycle, C.1). The daemon opens the images, so that QEMU's user need not be allowed to.
 * @param bootIndex place in the boot order, from 1
 */
export function addDisk(invocation: Invocation, disk: DiskDefinition, bootIndex?: number): void {
  const behind = imageChain(disk).slice(1)
  const nodes = behind.map((_, at) => `${disk.target}-back${at + 1}`)
  for (const [at, image] of [...behind.entries()].reverse()) {
    const options = { 'read-only': true, 'auto-read-only': false }
    addImage(invocation, { image, node: `${disk.target}-back${at + 1}`, backing: nodes[at + 1], options })
  }
  addImage(invocation, { image: disk, node: disk.target, backing: nodes[0], options: optionsOf(disk) })
  invocation.json('device', device(disk, bootIndex))
}

/** One image, and the node of the image behind it. */
interface ImagePlan {
  readonly image: ImageDefinition
  /** Name of the node that it becomes. */
  readonly node: string
  readonly backing: string | undefined
  /** Options of both of its nodes. */
  readonly options: Readonly<Record<string, unknown>>
}

/** An image that is said to stand alone gets `backing: null`, so that QEMU does not look for what its header names. */
function addImage(invocation: Invocation, { image, node, backing, options }: ImagePlan): void {
  const file = `${node}-file`
  invocation.json('blockdev', {
    driver: image.source.kind === 'block' ? 'host_device' : 'file',
    filename: invocation.image(image.source.path, options['read-only'] === true ? 'read' : 'readwrite'),
    'node-name': file,
    ...options,
  })
  const below = image.format === 'qcow2' ? { backing: backing ?? null } : {}
  invocation.json('blockdev', { driver: image.format, file, 'node-name': node, ...below, ...options })
}

function optionsOf({ readonly, discard, cache }: DiskDefinition): Record<string, unknown> {
  return {
    'read-only': readonly,
    'auto-read-only': false,
    discard,
    ...(cache === 'unsafe' && { cache: { direct: false, 'no-flush': true } }),
  }
}

function device(disk: DiskDefinition, bootIndex: number | undefined): Record<string, unknown> {
  const common = { id: diskId(disk), drive: disk.target, serial: disk.serial, bootindex: bootIndex }
  if (disk.bus === 'virtio') return { driver: 'virtio-blk-pci', ...portPlace('disk', diskIndex(disk)), ...common }
  return { driver: disk.device === 'cdrom' ? 'ide-cd' : 'ide-hd', bus: `ide.${diskIndex(disk)}`, ...common }
}
