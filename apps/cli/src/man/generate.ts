import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manualPages } from './pages.ts'

// Writes the manual pages into apps/cli/man: node --conditions=@cloister/source apps/cli/src/man/generate.ts

const folder = fileURLToPath(new URL('../../man', import.meta.url))

const pages = await manualPages()
await mkdir(folder, { recursive: true })
const known = new Set(pages.map(({ file }) => file))
for (const file of await readdir(folder)) if (!known.has(file)) await unlink(join(folder, file))
for (const { file, content } of pages) await writeFile(join(folder, file), content)
