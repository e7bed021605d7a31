// A process of its own that commits units, many at once, and prints the number of each once it is durable. Each unit makes a
// domain with two properties and removes the one that was made a hundred numbers before.
import { nodeOs } from '@cloister/os'
import { Journal } from '../journal.ts'
import { SqliteStateStore } from '../sqlite/sqlite-state-store.ts'

const [folder = '', first = '0'] = process.argv.slice(2)
const store = await SqliteStateStore.open(folder, { os: nodeOs() })
const stop = (error: unknown): never => {
  throw error
}
const journal = new Journal<never>(store, { onFatal: stop, onListenerError: stop })
let next = Number(first)

async function commitForEver(): Promise<never> {
  for (;;) {
    const qid = next++
    const unit = journal.begin()
    unit.put('domains', [qid], ['AppVM'])
    for (const name of ['name', 'label']) unit.put('properties', [qid, name], [`${name} of ${qid}`])
    for (const table of ['domains', 'properties'] as const) unit.delete(table, [qid - 100])
    await unit.commit()
    process.stdout.write(`${qid}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, commitForEver))
