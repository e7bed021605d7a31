import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Cloisterd } from '../support/cloisterd.ts'
import { replay } from './replay.ts'
import { readTranscript } from './transcript.ts'

const folder = fileURLToPath(new URL('admin-api/', import.meta.url))
const transcripts = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()

/** Steps that differ from the recorded server, on purpose or because the call is not served yet; each with its reason. */
const differences = new Map<string, string>(
  Object.entries(
    JSON.parse(await readFile(new URL('differences.json', import.meta.url), 'utf8')) as Record<string, string>,
  ),
)

describe.concurrent('transcripts of the reference server', () => {
  it.each(transcripts)('%s', async (name) => {
    const daemon = await Cloisterd.start()
    try {
      const steps = await readTranscript(`${folder}${name}`)
      const outcomes = await replay(steps, { main: daemon.socket, internal: daemon.internalSocket })
      const unexplained = outcomes.filter(({ id, problem }) => problem !== undefined && !differences.has(id))
      const outdated = outcomes.filter(({ id, problem }) => problem === undefined && differences.has(id))
      expect(unexplained.map(({ id, problem }) => `${id} ${problem}`)).toEqual([])
      expect(outdated.map(({ id }) => `${id} is as recorded: take it out of differences.json`)).toEqual([])
    } finally {
      await daemon.remove()
    }
  })
})
