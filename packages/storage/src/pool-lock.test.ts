import { utf8 } from '@cloister/kit'
import { ModelledOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { PoolLock } from './pool-lock.ts'

const machine = () => new ModelledOs({ folders: ['/pool'] })

describe('the hold of a daemon on a pool', () => {
  it('is exclusive until it is released', async () => {
    const os = machine()
    const lock = await PoolLock.take(os, '/pool')
    await expect(PoolLock.take(os, '/pool')).rejects.toThrow('Pool folder /pool is in use by another daemon')
    await lock.release()
    await PoolLock.take(os, '/pool')
    expect(await os.files.list('/pool')).toEqual(['.cloister-lock'])
  })

  it('ends with the process that has it', async () => {
    const os = machine()
    await PoolLock.take(os, '/pool')
    os.restart()
    await PoolLock.take(os, '/pool')
    await expect(PoolLock.take(os, '/pool')).rejects.toThrow('in use')
  })

  it('ends with the boot', async () => {
    const os = machine()
    await PoolLock.take(os, '/pool')
    os.losePower(() => true)
    await PoolLock.take(os, '/pool')
  })

  it('is taken over from a file that says nothing sensible', async () => {
    for (const text of ['', '{', 'null', '[]', '{"pid":1}', '{"pid":"1","startTime":1,"bootId":"x"}']) {
      const os = machine()
      await os.files.create('/pool/.cloister-lock', { data: utf8(text) })
      await PoolLock.take(os, '/pool')
    }
  })

  it('is given to one of many who find the same stale one', async () => {
    const os = machine()
    await PoolLock.take(os, '/pool')
    os.restart()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => PoolLock.take(os, '/pool')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await os.files.list('/pool')).toEqual(['.cloister-lock'])
  })

  it('leaves nothing behind when the process dies while taking it, and can then be taken', async () => {
    for (let steps = 0; ; steps++) {
      const os = machine()
      await PoolLock.take(os, '/pool')
      os.restart()
      os.files.faults.dieAfter(steps)
      await PoolLock.take(os, '/pool').catch(() => {})
      if (!os.files.faults.dead) break
      os.restart()
      await PoolLock.take(os, '/pool')
      await expect(PoolLock.take(os, '/pool')).rejects.toThrow('in use')
    }
  })
})
