import { msg, utf8, utf8Text } from '@cloister/kit'
import { errorCode, type Os, type ProcessIdentity, removeIfPresent, temporaryName } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'
import { isObject } from '../qmp/qmp-message.ts'

const largestNote = 4096

/**
 * Keeps a second daemon out of a folder: QEMU's monitors talk to one at a time. The note of a daemon that is gone, or of an
 * earlier boot, counts for nothing.
 * @returns gives the folder free
 * @throws LibvirtError RESOURCE_BUSY
 */
export async function takeFolder(note: string, os: Os): Promise<() => Promise<unknown>> {
  const self = await os.processes.identify(process.pid)
  const draft = temporaryName(note)
  await os.files.create(draft, { data: utf8(JSON.stringify({ ...self, bootId: os.host.bootId })) })
  try {
    if (!(await tryLink(draft, note, os))) {
      const owner = await readOwner(note, os)
      if (owner && owner.pid !== process.pid) throw busy(note, owner.pid)
      await removeIfPresent(os.files, note)
      if (!(await tryLink(draft, note, os))) throw busy(note, (await readOwner(note, os))?.pid ?? 0)
    }
    return () => removeIfPresent(os.files, note)
  } finally {
    await removeIfPresent(os.files, draft)
  }
}

/** Puts the note in its place, whole; false when there is one. */
async function tryLink(draft: string, note: string, { files }: Os): Promise<boolean> {
  try {
    await files.link(draft, note)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** The daemon that has the folder, if it is still there. */
async function readOwner(note: string, { files, processes, host }: Os): Promise<ProcessIdentity | undefined> {
  const text = await files.read(note, largestNote).then(utf8Text, () => undefined)
  const value = parse(text ?? '')
  if (!isObject(value) || typeof value['pid'] !== 'number' || value['bootId'] !== host.bootId) return undefined
  const found = await processes.identify(value['pid'])
  return found?.startTime === value['startTime'] ? found : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // cut short by a crash: nobody's
    return undefined
  }
}

function busy(note: string, pid: number): LibvirtError {
  const text = msg`'${note}' says that process ${pid} runs guests there; one daemon has a folder to itself`
  return new LibvirtError('RESOURCE_BUSY', text, { domain: 'QEMU' })
}
