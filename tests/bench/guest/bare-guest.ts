import { once } from 'node:events'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type DetachedProcess, type InheritedFile, nodeOs } from '@cloister/os'
import { type BootTimes, guestSaysItIsUp } from './boot-times.ts'
import { commandOf, type OpenFile, openFiles } from './qemu-process.ts'

const { processes } = nodeOs()
/** The arguments by which QEMU opens an inherited file: the name of a descriptor, or a set with one descriptor. */
const byName = /\/proc\/self\/fd\/(\d+)/g
const bySet = /^fd=(\d+),set=\d+$/
/** The first descriptor that is inherited. */
const firstDescriptor = 3
const lookMs = 2
const patienceMs = 30_000

/** A file that QEMU inherits: the folder for its sockets, the output of the guest, an image, or a file that is only read. */
interface Part extends InheritedFile {
  readonly kind: 'folder' | 'console' | 'image' | 'other'
}

/** QEMU alone with the arguments that the daemon gives it, and with copies of the images. */
export class BareGuest implements AsyncDisposable {
  readonly #command: readonly [string, ...string[]]
  readonly #parts: readonly Part[]
  readonly #folder: string
  #qemu: Promise<DetachedProcess> | undefined
  #isOver = false

  private constructor(command: readonly [string, ...string[]], parts: readonly Part[], folder: string) {
    this.#command = command
    this.#parts = parts
    this.#folder = folder
  }

  /** Copies arguments and images of a running QEMU. Its guest must have been started just before. Images go to `folder`. */
  static async like(pid: number, folder: string): Promise<BareGuest> {
    const [program = '', ...args] = await commandOf(pid)
    const parts = await inherited(pid, args)
    await mkdir(folder)
    for (const { path } of parts.filter(({ kind }) => kind === 'image')) await copy(path, pristine(folder, path))
    return new BareGuest([program, ...args.filter((argument) => argument !== '-S')], parts, folder)
  }

  /** Boots the guest once, with copies of the original images. */
  async boot(): Promise<BootTimes> {
    const place = join(this.#folder, 'run')
    const inherit = await Promise.all(this.#parts.map((part) => this.#prepare(part, place)))
    const start = performance.now()
    if (this.#isOver) throw new Error('the bench has ended: no guest is booted')
    this.#qemu = processes.startDetached(this.#command, { log: join(this.#folder, 'log'), inherit })
    await this.#qemu
    await monitorAnswers(join(place, 'monitor'))
    const returnsMs = performance.now() - start
    await guestSaysItIsUp(join(place, 'console'))
    const upMs = performance.now() - start
    const killed = performance.now()
    await this.#end()
    const goneMs = performance.now() - killed
    await rm(place, { recursive: true })
    return { returnsMs, upMs, goneMs }
  }

  /** Ends QEMU; later boots fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#end()
  }

  async #end(): Promise<void> {
    const qemu = await this.#qemu
    this.#qemu = undefined
    if (qemu && (await processes.signal(qemu, 'SIGKILL'))) await qemu.exited
  }

  /** Replaces one inherited file by the file of this guest. */
  async #prepare({ kind, path, access }: Part, place: string): Promise<InheritedFile> {
    await mkdir(place, { recursive: true })
    if (kind === 'folder') return { path: place, access }
    if (kind === 'other') return { path, access }
    const own = join(place, kind === 'console' ? kind : basename(path))
    if (kind === 'console') await writeFile(own, '')
    else await copy(pristine(this.#folder, path), own)
    return { path: own, access }
  }
}

/** The files that a QEMU inherited, in the order of the descriptors. */
async function inherited(pid: number, args: readonly string[]): Promise<Part[]> {
  const open = (await openFiles(pid)).filter(({ descriptor }) => descriptor >= firstDescriptor)
  const named = new Set(args.flatMap((argument) => [...argument.matchAll(byName)].map(([, number]) => Number(number))))
  const members = args.flatMap((argument) => bySet.exec(argument)?.slice(1).map(Number) ?? [])
  const namedFiles = open.filter(({ descriptor }) => named.has(descriptor))
  const images = imagesAmong(open.filter(({ path }) => namedFiles.every((file) => file.path !== path)))
  if (images.length !== members.length) throw new Error(`QEMU has ${images.length} images, but ${members.length} sets`)
  const parts: Part[] = []
  for (const file of namedFiles) parts[file.descriptor - firstDescriptor] = { ...file, kind: await kindOf(file) }
  for (const [index, image] of images.entries()) parts[(members[index] ?? 0) - firstDescriptor] = image
  return parts
}

/** The members of sets. QEMU duplicates them to other descriptors, in order, and may have several duplicates. */
function imagesAmong(files: readonly OpenFile[]): Part[] {
  const images = files.filter(({ path }) => !path.startsWith('/dev/'))
  return [...Map.groupBy(images, ({ path }) => path).values()].flatMap(([first]) =>
    first ? [{ ...first, kind: 'image' }] : [],
  )
}

async function kindOf({ path, access }: OpenFile): Promise<Part['kind']> {
  if ((await stat(path)).isDirectory()) return 'folder'
  return access === 'readwrite' ? 'console' : 'other'
}

/** The path of the copy of an image. */
function pristine(folder: string, path: string): string {
  return join(folder, `pristine-${basename(path)}`)
}

/** Copies a file; holes stay holes. */
async function copy(from: string, to: string): Promise<void> {
  await processes.run(['cp', '--reflink=auto', '--sparse=always', from, to])
}

/** Resolves when the monitor has greeted. */
async function monitorAnswers(path: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await greets(path))) {
    if (performance.now() > deadline) throw new Error(`the monitor of QEMU did not answer in ${patienceMs} ms`)
    await delay(lookMs)
  }
}

async function greets(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'data')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
