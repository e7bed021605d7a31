import { FolderBusyError } from '../folder-lock.ts'
import { nodeOs } from '../node/node-os.ts'

// Tries to lock a folder, says what came of it, and keeps the lock until it is ended. Argument: the folder.

const [, , folder = ''] = process.argv
try {
  await nodeOs().locks.take(folder)
  process.stdout.write('taken\n')
  process.stdin.resume()
} catch (error) {
  process.stdout.write(error instanceof FolderBusyError ? `busy ${error.pid}\n` : `${error}\n`)
}
