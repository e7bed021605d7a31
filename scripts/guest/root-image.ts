import { cp, lutimes, mkdir, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCode, type Processes } from '@cloister/os'

const sizeBytes = 48 << 20
const folders = ['dev', 'mnt', 'proc', 'root', 'run', 'rw', 'sys', 'tmp']
const ownFiles = fileURLToPath(new URL('root', import.meta.url))
/** Identity of the file system and time of its files: constants, so that the same input makes the same image, but for change times. */
const uuid = '2f0a4f5e-6c0e-4c59-8d0b-6a3a5b8f2e11'
const madeAt = 1_700_000_000
const extended = `root_owner=0:0,hash_seed=${uuid},lazy_itable_init=1,lazy_journal_init=1`
const options = ['-q', '-F', '-L', 'root', '-U', uuid, '-m', '0', '-N', '4096', '-E', extended]

/** Makes the root disk at `path`: busybox and the files in `root/`, as an ext4 file system without a partition table. */
export async function buildRootImage(path: string, busybox: string, processes: Processes): Promise<void> {
  const tree = `${path}.tree`
  await makeTree(tree, busybox, processes)
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  await processes.run(['mkfs.ext4', ...options, '-d', tree, path], {
    env: { E2FSPROGS_FAKE_TIME: String(madeAt), SOURCE_DATE_EPOCH: String(madeAt) },
  })
  await rm(tree, { recursive: true })
}

async function makeTree(tree: string, busybox: string, processes: Processes): Promise<void> {
  await cp(ownFiles, tree, { recursive: true })
  for (const folder of folders) await mkdir(join(tree, folder))
  await mkdir(join(tree, 'bin'))
  await cp(busybox, join(tree, 'bin/busybox'))
  for (const applet of await applets(busybox, processes)) await addApplet(join(tree, applet))
  for (const name of ['.', ...(await readdir(tree, { recursive: true }))]) {
    await lutimes(join(tree, name), madeAt, madeAt)
  }
}

/** Where busybox wants its programs: `bin/cat`, `sbin/init`, … */
async function applets(busybox: string, processes: Processes): Promise<string[]> {
  const { stdout } = await processes.run([busybox, '--list-full'])
  return Buffer.from(stdout).toString().trim().split('\n')
}

/** Makes a link to busybox, unless a file of `root/` has that name. */
async function addApplet(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  try {
    await symlink('/bin/busybox', path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}
