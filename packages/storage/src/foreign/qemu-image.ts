import {
  errorText,
  msg,
  type Qcow2Header,
  QubesValueError,
  readQcow2Header,
  StoragePoolException,
  Untrusted,
} from '@cloister/kit'
import { type Command, type InheritedFile, type Os, ProcessError } from '@cloister/os'
import { Confinement, wasKilled } from './confinement.ts'
import { type ImageLimits, refuseLargeDisk, requireRoom } from './image-limits.ts'

// qcow2 images from outside, as qemu-img reads them.

const check = { cpuSeconds: 300, timeoutMs: 600_000 } as const
const conversion = { cpuSeconds: 3600, timeoutMs: 3600_000 } as const
/** Exit statuses of `qemu-img check` for an image with errors, and for one that only has clusters without use. */
const checkStatuses = { errors: 2, leaks: 3 } as const
const sectorSize = 512n

/** The image at descriptor 3. No other file is opened, whatever the image names. */
const source = `json:${JSON.stringify({
  driver: 'qcow2',
  backing: null,
  'read-only': true,
  file: { driver: 'file', filename: '/dev/fd/3', locking: 'off' },
})}`
/** The file at descriptor 4. */
const target = 'driver=raw,file.driver=file,file.filename=/dev/fd/4,file.locking=off'

/**
 * Reads the header of an image that is to be converted, before any other program sees the image.
 * @throws Qcow2HeaderError; QubesValueError when the image needs another file, a password or a repair; StoragePoolException when
 * the disk in it is too large
 */
export function readForeignHeader(head: Uint8Array, limits: ImageLimits): Qcow2Header {
  const header = readQcow2Header(head)
  const refuse = (why: string): never => {
    throw new QubesValueError(msg`The image is refused: ${why}`)
  }
  if (header.backingFile !== undefined)
    refuse(
      'it leans on another file (its backing file). Make a whole image of it first: `qemu-img convert -O qcow2 in.qcow2 out.qcow2`',
    )
  if (header.externalData)
    refuse(
      'it leans on another file (its data file). Make a whole image of it first: `qemu-img convert -O qcow2 in.qcow2 out.qcow2`',
    )
  if (header.encrypted) refuse('it is encrypted. Decrypt it with `qemu-img convert` first')
  if (header.corrupt) refuse('QEMU has marked it as damaged. Repair it first: `qemu-img check -r all in.qcow2`')
  if (header.virtualSize === 0n) refuse('the disk in it is empty')
  refuseLargeDisk(header.virtualSize, limits)
  return header
}

/**
 * Checks a whole image and writes the disk in it into `to`, which must exist and be empty. Both files are given to the user of
 * qemu-img meanwhile; `to` belongs to this process again afterwards.
 * @throws QubesValueError when the image is cut off or damaged; StoragePoolException when there is no room
 */
export async function convertQcow2(
  os: Os,
  from: string,
  to: string,
  { clusterSize, virtualSize }: Qcow2Header,
): Promise<void> {
  const { files } = os
  const confinement = await Confinement.make(os)
  const { user } = confinement
  if (user) await files.setOwner(from, user.uid, user.gid)
  const facts = await checkQcow2(os, confinement, from)
  await refuseIncomplete(os, from, facts)
  await requireRoom(files, to, BigInt(facts.allocatedClusters) * BigInt(clusterSize))
  const size = ((virtualSize + sectorSize - 1n) / sectorSize) * sectorSize
  await files.truncate(to, size)
  if (user) await files.setOwner(to, user.uid, user.gid)
  const command: Command = ['qemu-img', 'convert', '-n', '--target-is-zero', '--target-image-opts', source, target]
  const inherit = [
    { path: from, access: 'read' },
    { path: to, access: 'readwrite' },
  ] as const
  await run(os, confinement, { command, inherit, fileSize: size, ...conversion })
  if (user) await files.setOwner(to, os.host.uid, 0)
  await files.sync(to)
}

/** What `qemu-img check` finds. */
interface CheckResult {
  readonly errors: number
  /** One of the errors, in its words. */
  readonly example: string
  readonly allocatedClusters: number
  /** Where the last cluster ends that is in use, bytes. */
  readonly end: number
}

async function checkQcow2(os: Os, confinement: Confinement, path: string): Promise<CheckResult> {
  const command: Command = ['qemu-img', 'check', '--output=json', source]
  const { stdout, stderr } = await run(os, confinement, {
    command,
    inherit: [{ path, access: 'read' }],
    fileSize: 0n,
    accept: Object.values(checkStatuses),
    ...check,
  })
  const example = stderr.trim().split('\n').at(-1) ?? ''
  return { ...new Untrusted(stdout).parse(parseCheck), example }
}

/** @throws QubesValueError */
export function parseCheck(output: Uint8Array): Omit<CheckResult, 'example'> {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(output))
  } catch (cause) {
    throw new QubesValueError(msg`The output of qemu-img check is not JSON`, { cause })
  }
  if (typeof parsed !== 'object' || parsed === null)
    throw new QubesValueError('The output of qemu-img check is no object')
  const fields = new Map(Object.entries(parsed))
  const count = (key: string, otherwise?: number): number => {
    const value = fields.get(key) ?? otherwise
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value)
    throw new QubesValueError(msg`The output of qemu-img check has no count in ${key}`)
  }
  return {
    errors: count('corruptions', 0) + count('check-errors'),
    allocatedClusters: count('allocated-clusters', 0),
    end: count('image-end-offset'),
  }
}

/**
 * The last cluster of an image may be written in part, in whole sectors: what is beyond reads as zeroes. Any other end of the
 * file is that of a download that broke off.
 */
async function refuseIncomplete({ files }: Os, path: string, { errors, example, end }: CheckResult): Promise<void> {
  const size = (await files.stat(path))?.size ?? 0n
  const advice = 'Compare its size and checksum with those that its source tells, and download it again'
  if (errors > 0) {
    throw new QubesValueError(
      msg`The image is cut off or damaged: qemu-img check counts ${errors} errors in its ${size} bytes, such as "${example}". ${advice}`,
    )
  }
  if (size < BigInt(end) && size % sectorSize !== 0n)
    throw new QubesValueError(msg`The image is cut off: it ends at byte ${size} of ${end}. ${advice}`)
}

interface ConfinedRun {
  readonly command: Command
  readonly inherit: readonly InheritedFile[]
  readonly cpuSeconds: number
  readonly timeoutMs: number
  readonly fileSize: bigint
  readonly accept?: readonly number[]
}

async function run(
  { processes }: Os,
  confinement: Confinement,
  { command, cpuSeconds, fileSize, ...options }: ConfinedRun,
): ReturnType<Os['processes']['run']> {
  try {
    return await processes.run(confinement.command(command, { cpuSeconds, fileSize }), options)
  } catch (cause) {
    const verb = command.slice(0, 2).join(' ')
    throw new StoragePoolException(msg`The image cannot be read: ${verb} ${failure(cause)}`, { cause })
  }
}

/** How a program failed, in words for the sender of the image. */
function failure(error: unknown): string {
  if (!(error instanceof ProcessError) || !error.status) return errorText(error)
  if (wasKilled(error)) return 'took more time, or needed more memory, than an image may take, and was ended'
  // The files in the program's words are descriptors.
  const said = error.stderr.trim().replaceAll(/'json:\{.*?\}':/gs, 'the image:')
  return `failed with exit status ${error.status.code}: ${said}`
}
