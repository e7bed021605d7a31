import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeOs } from '@cloister/os'
import { buildGuest, guestIsBuilt } from '../guest/build-guest.ts'
import { downloadKernel, findKernel, NoKernelError } from './kernel.ts'
import { onlyTheUser } from './run.mjs'

// Builds the tiny guest that the demo and the tests boot, in `.cache/guest`, unless it is built already.

const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
const { processes } = nodeOs()

try {
  await prepareGuest(join(cache, 'guest'), join(cache, 'kernel'))
} catch (error) {
  console.error(`✗ ${error instanceof Error ? error.message : error}`)
  process.exitCode = error instanceof NoKernelError ? onlyTheUser : 1
}

async function prepareGuest(guest: string, unpacked: string): Promise<void> {
  const busybox = await processes.find('busybox')
  if (busybox === undefined) throw new Error('busybox is not installed')
  if (await guestIsBuilt(guest, busybox)) return
  console.log('… guest image')
  const start = performance.now()
  const find = async () => (await findKernel('/', processes)) ?? (await findKernel(unpacked, processes))
  if (!(await find())) await downloadKernel(unpacked, processes)
  const kernel = await find()
  if (!kernel) throw new Error(`The kernel in ${unpacked} cannot run a guest: remove that folder and try again`)
  await buildGuest(guest, kernel, busybox, processes)
  console.log(`✓ guest image with Linux ${kernel.version} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
}
