// A process of its own that opens the state in a folder, says so (or why not), and keeps it until it is ended.
import { nodeOs } from '@cloister/os'
import { SqliteStateStore } from '../sqlite/sqlite-state-store.ts'

const [folder = ''] = process.argv.slice(2)
try {
  await SqliteStateStore.open(folder, { os: nodeOs() })
  console.log('open')
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
}
