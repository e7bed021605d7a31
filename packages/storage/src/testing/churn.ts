import { nodeOs } from '@cloister/os'
import { createPool } from '../pool-drivers.ts'
import { guestWrites } from './place.ts'

// Starts and stops a volume until this process is killed, and prints what the guest has flushed each time. Arguments: folder,
// size.

const [, , folder = '', size = ''] = process.argv
const os = nodeOs()
const pool = createPool('file-reflink', 'main', { dir_path: folder, setup_check: 'False' }, os)
await pool.open()
const plain = { rw: true, snapOnStart: false, saveOnStop: true, size: BigInt(size), revisionsToKeep: 2 }
const volume = pool.initVolume({ name: 'private', owner: 'appvms/work', ...plain })
for (let run = 1; ; run++) {
  await volume.start()
  await guestWrites(os, volume.path, `${process.pid} ${run}`)
  process.stdout.write(`${process.pid} ${run}\n`)
  await volume.stop()
  if (run % 3 === 0) await volume.resize(BigInt(size) + BigInt(run * 4096))
}
