import { msg, StoragePoolException, utf8, utf8Text } from '@cloister/kit'
import { errorCode, type Os, removeIfPresent, temporaryName } from '@cloister/os'

const lockName = '.cloister-lock'
const lockLimit = 512
const attempts = 3

/** Who holds a pool: a process, named so that a reused pid or another boot is told apart. */
interface Holder {
  readonly pid: number
  readonly startTime: string
  readonly bootId: string
}

/**
 * The hold of one daemon on a pool's folder (reference: storage-and-lifecycle, A.10): a file that says who holds it. It is made
 * under another name and linked, so that it is never seen half written. One whose process is gone is taken over.
 */
export class PoolLock {
  readonly #os: Os
  readonly #path: string

  private constructor(os: Os, path: string) {
    this.#os = os
    this.#path = path
  }

  /** @throws StoragePoolException when a living process holds the folder */
  static async take(os: Os, folder: string): Promise<PoolLock> {
    const path = `${folder}/${lockName}`
    const own = JSON.stringify(await ourselves(os))
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await claim(os, path, own)) return new PoolLock(os, path)
      const text = await readLock(os, path)
      if (text === undefined) continue
      if (await lives(os, text)) break
      await removeStale(os, path, text)
    }
    throw new StoragePoolException(msg`Pool folder ${folder} is in use by another daemon (see ${path})`)
  }

  async release(): Promise<void> {
    await removeIfPresent(this.#os.files, this.#path)
  }
}

async function ourselves(os: Os): Promise<Holder> {
  const { pid } = process
  return { pid, startTime: (await os.processes.identify(pid))?.startTime ?? '', bootId: os.host.bootId }
}

/** Makes the lock if there is none. */
async function claim(os: Os, path: string, text: string): Promise<boolean> {
  const temporary = temporaryName(path)
  await os.files.create(temporary, { data: utf8(text), mode: 0o600 })
  try {
    await os.files.link(temporary, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await os.files.unlink(temporary)
  }
}

async function readLock(os: Os, path: string): Promise<string | undefined> {
  try {
    return utf8Text(await os.files.read(path, lockLimit)) ?? ''
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function lives(os: Os, text: string): Promise<boolean> {
  const holder = parseHolder(text)
  if (!holder || holder.bootId !== os.host.bootId) return false
  return (await os.processes.identify(holder.pid))?.startTime === holder.startTime
}

/** A lock that says nothing sensible was left by a power loss before its content was on disk. */
function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, startTime, bootId } = JSON.parse(text) as Partial<Holder>
    return Number.isSafeInteger(pid) && typeof startTime === 'string' && typeof bootId === 'string'
      ? { pid: pid as number, startTime, bootId }
      : undefined
  } catch {
    return undefined
  }
}

/** Removes the lock if it is still the one that was judged: another daemon may have taken it over meanwhile. */
async function removeStale(os: Os, path: string, judged: string): Promise<void> {
  const aside = temporaryName(path)
  try {
    await os.files.rename(path, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  if ((await readLock(os, aside)) !== judged) await os.files.link(aside, path)
  await os.files.unlink(aside)
}
