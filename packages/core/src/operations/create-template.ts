import { endFailed, msg, QubesException, QubesValueError } from '@cloister/kit'
import { temporaryName } from '@cloister/os'
import { supported } from '@cloister/storage'
import type { BaseVM } from '../domains/base-vm.ts'
import { newUuid } from '../domains/new-uuid.ts'
import type { System } from '../domains/system.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import type { DomainStorage } from '../storage/domain-storage.ts'
import { initialise, install } from './create-domain.ts'
import { fillFile } from './volumes/import-stream.ts'

export interface CreateTemplateOptions {
  readonly name: string
  readonly creator: BaseVM
  /** Content of the root volume: raw, or qcow2. */
  readonly image: AsyncIterable<Uint8Array>
}

/** A disk has whole sectors. */
const sectorSize = 512n
const labelOfTemplates = 'black'
/** First bytes of a qcow2 image: `QFI` and 0xfb. */
const qcow2Magic = [0x51, 0x46, 0x49, 0xfb]
const convertTimeoutMs = 3600_000

/** Makes a template whose root is an image (reference: mgmt-dialect, vm.CreateTemplate). What fails leaves nothing. */
export async function createTemplate(app: System, { name, creator, image }: CreateTemplateOptions): Promise<BaseVM> {
  const reserved = app.domains.reserve(name)
  try {
    const vm = new TemplateVM(app, { name, qid: reserved.qid, uuid: newUuid(app.os.host) })
    initialise(vm, { label: labelOfTemplates, template: undefined })
    await install(vm, { creator, fill: (storage) => fillRoot(app, storage, image) })
    return vm
  } finally {
    reserved.release()
  }
}

async function fillRoot(app: System, storage: DomainStorage, image: AsyncIterable<Uint8Array>): Promise<void> {
  const { files } = app.os
  const root = storage.get('root')
  // Its size is not known before all of it has come.
  const path = await supported(root, 'importData')(sectorSize)
  try {
    const { format, whole } = await peek(image)
    // A raw image may end in a hole, which the file then does not reach.
    const size = format === 'qcow2' ? await fillFromQcow2(app, path, whole) : await fillFile(files, path, whole)
    if (size === 0n) throw new QubesValueError('The image is empty')
    await files.truncate(path, ((size + sectorSize - 1n) / sectorSize) * sectorSize)
  } catch (error) {
    await endFailed(error, () => supported(root, 'importDataEnd')(false))
  }
  await supported(root, 'importDataEnd')(true)
}

/** Looks at the first bytes of a stream; the stream that comes back has them still. */
async function peek(
  image: AsyncIterable<Uint8Array>,
): Promise<{ format: 'raw' | 'qcow2'; whole: AsyncIterable<Uint8Array> }> {
  const chunks = image[Symbol.asyncIterator]()
  let head = new Uint8Array()
  while (head.length < qcow2Magic.length) {
    const next = await chunks.next()
    if (next.done) break
    head = Uint8Array.from([...head, ...next.value])
  }
  const format = qcow2Magic.every((byte, index) => head[index] === byte) ? 'qcow2' : 'raw'
  const rest = { [Symbol.asyncIterator]: () => chunks }
  return { format, whole: chain(head, rest) }
}

async function* chain(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* rest
}

/** Converts an image under the format that its first bytes name, and tells its size; one that leans on another file is refused. */
async function fillFromQcow2(app: System, path: string, image: AsyncIterable<Uint8Array>): Promise<bigint> {
  const { files, processes } = app.os
  const spool = temporaryName(path)
  try {
    await files.create(spool, {})
    await fillFile(files, spool, image)
    const { stdout } = await processes.run(['qemu-img', 'info', '--output=json', '-f', 'qcow2', spool])
    refuseOtherFiles(new TextDecoder().decode(stdout))
    await processes.run(['qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', spool, path], {
      timeoutMs: convertTimeoutMs,
    })
    return (await files.stat(path))?.size ?? 0n
  } finally {
    await files.unlink(spool)
  }
}

function refuseOtherFiles(info: string): void {
  let parsed: unknown
  try {
    parsed = JSON.parse(info)
  } catch (cause) {
    throw new QubesException(msg`qemu-img said something about the image that is not JSON`, { cause })
  }
  const text = JSON.stringify(parsed)
  for (const key of ['backing-filename', 'full-backing-filename', 'data-file']) {
    if (text.includes(`"${key}":`))
      throw new QubesValueError(
        msg`The image leans on another file (${key}): flatten it with \`qemu-img convert\` first`,
      )
  }
}
