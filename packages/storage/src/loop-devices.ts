import { utf8Text } from '@cloister/kit'
import { errorCode, type Os } from '@cloister/os'

const blockDevices = '/sys/block'
const pathLimit = 4096

/** Makes every loop device backed by that file see its new size (reference: storage-and-lifecycle, A.4.5). */
export async function refreshLoopDevices(os: Os, path: string): Promise<void> {
  const resolved = await os.files.resolve(path)
  for (const name of await loopDevices(os)) {
    if ((await backingFile(os, name)) === resolved)
      await os.processes.run(['losetup', '--set-capacity', `/dev/${name}`])
  }
}

async function loopDevices(os: Os): Promise<string[]> {
  try {
    return (await os.files.list(blockDevices)).filter((name) => /^loop\d+$/.test(name))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** The kernel marks a file that lost its name, and a loop device without a file has no such entry. */
async function backingFile(os: Os, name: string): Promise<string | undefined> {
  try {
    const text = utf8Text(await os.files.read(`${blockDevices}/${name}/loop/backing_file`, pathLimit))
    return text?.replace(/\n$/, '').replace(/ \(deleted\)$/, '')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
