import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { realPlace } from '../testing/place.ts'

const rounds = 8
const churn = join(import.meta.dirname, '../testing/churn.ts')

it('a volume survives kill -9 of the process that works on it, again and again', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-kill-'))
  onTestFinished(() => fs.rm(folder, { recursive: true }))
  let at = await ImageFixture.make(realPlace(folder, false))
  await at.origin().create()
  for (let round = 0; round < rounds; round++) {
    await at.pool.close()
    const flushed = await churnUntil(at.dirPath, 2 + round)
    at = await at.afterCrash()
    const volume = at.origin('appvms/work', { revisionsToKeep: 2 })
    await volume.verify()
    await volume.start()
    expect(flushed).toContain(await at.content(volume, '-dirty.img'))
    await volume.stop()
    expect(flushed).toContain(await at.content(volume))
    expect((await at.names()).filter((name) => /~|dirty|import/.test(name))).toEqual([])
    expect((await volume.revisions()).length).toBeLessThanOrEqual(2)
  }
})

/** Lets another process churn until it has flushed so often, kills it; returns what the volume may then hold. */
async function churnUntil(dirPath: string, flushes: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=@cloister/source', churn, dirPath, String(MiB)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === flushes) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  // It may have flushed once more without having said so.
  const [pid, run] = (lines.at(-1) ?? '').split(' ')
  return [lines.at(-1) ?? '', `${pid} ${Number(run) + 1}`]
}
