import { utf8Text } from '@cloister/kit'
import { errorCode, type Os } from '@cloister/os'

const blockDevices = '/sys/block'
const pathLimit = 4096
/** What reading about a loop device answers when the device has no file, or is removed at that moment. */
const noFile: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV', 'ENXIO', 'EIO'])

/**
 * Makes every loop device of that file see its new size (reference: storage-and-lifecycle, A.4.5). The kernel is asked for the
 * devices by device and inode of the file: by its path it would not be found once its file system is mounted elsewhere or no
 * more, and a file that has lost its name would be taken for one that has the same name now.
 */
export async function refreshLoopDevices(os: Os, path: string): Promise<void> {
  if (!(await anyInUse(os))) return
  const list = await os.processes.run(['losetup', '--noheadings', '--output', 'NAME', '--associated', path])
  const devices = (utf8Text(list.stdout) ?? '').split('\n').map((line) => line.trim())
  for (const device of devices.filter((name) => /^\/dev\/loop\d+$/.test(name))) {
    await os.processes.run(['losetup', '--set-capacity', device])
  }
}

/** Whether any loop device has a file: most machines have none, and then no program need run. */
async function anyInUse(os: Os): Promise<boolean> {
  for (const name of (await namesIn(os, blockDevices)).filter((each) => /^loop\d+$/.test(each))) {
    if (await hasFile(os, name)) return true
  }
  return false
}

async function namesIn(os: Os, folder: string): Promise<string[]> {
  try {
    return await os.files.list(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

async function hasFile(os: Os, name: string): Promise<boolean> {
  try {
    return (await os.files.read(`${blockDevices}/${name}/loop/backing_file`, pathLimit)).length > 0
  } catch (error) {
    if (noFile.has(errorCode(error))) return false
    throw error
  }
}
