import { findCall } from '@cloister/admin-protocol'
import { QubesVM } from '@cloister/core'
import { utf8 } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { standalone, TestPipeline } from '../testing/test-pipeline.ts'

let pipeline: TestPipeline

beforeEach(async () => {
  pipeline = await TestPipeline.open()
})
afterEach(() => pipeline[Symbol.asyncDispose]())

/** Has QEMU pause the guest of a domain by itself. */
async function pauseByFault(name: string, why: string): Promise<void> {
  const vm = await standalone(pipeline.system, name)
  if (!(vm instanceof QubesVM)) throw new Error(`${name} does not run here`)
  await vm.lifeCycle.start()
  if (vm.run) vm.run.pausedWhy = why
}

describe('cloister.Problems', () => {
  it('is empty when nothing is wrong', async () => {
    await standalone(pipeline.system, 'work')
    expect(await pipeline.ask('cloister.Problems')).toBe('0|')
  })

  it('tells which stored value cannot be read', async () => {
    const work = await standalone(pipeline.system, 'work')
    work.damage.note('netvm', 'there is no domain\nnamed C:\\net')
    pipeline.system.app.global.damage.note('default_kernel', 'it is cut off')
    expect(await pipeline.ask('cloister.Problems')).toBe(
      '0|system  has a stored value that cannot be read: default_kernel: it is cut off\n' +
        'domain work has a stored value that cannot be read: netvm: there is no domain\\nnamed C:\\\\net\n',
    )
  })

  it('tells why a guest was paused', async () => {
    await pauseByFault('work', "no space is left on the host for disk 'vda'")
    expect(await pipeline.ask('cloister.Problems')).toBe(
      "0|domain work is paused: no space is left on the host for disk 'vda'\n",
    )
  })

  it('tells which pool is out of reach, and why', async () => {
    const { app } = pipeline.system
    // As a daemon finds it when it starts.
    await app.pools.load('second', 9, JSON.stringify({ driver: 'file', dir_path: '/nowhere/second' }))
    const reply = await pipeline.ask('cloister.Problems')
    expect(reply).toMatch(/^0\|pool second is out of reach: Cannot open pool second in folder \/nowhere\/second: .*\n$/)
  })

  it('tells where images of no domain were moved', async () => {
    const { app, os } = pipeline.system
    await os.files.makeFolder('/state/appvms/work', 0o700)
    await os.files.create('/state/appvms/work/private.img', { data: utf8('precious') })
    await standalone(pipeline.system, 'work')
    expect(await pipeline.ask('cloister.Problems')).toBe(
      `0|pool ${app.pools.systemDefault()} has images of no domain that were moved aside: /state/appvms/work/private.img.aside-1\n`,
    )
  })

  it('tells a guest about domains only', async () => {
    const work = await standalone(pipeline.system, 'work')
    work.damage.note('netvm', 'there is no domain net')
    pipeline.system.app.global.damage.note('default_kernel', 'it is cut off')
    expect(await pipeline.ask('cloister.Problems', { source: 'work' })).toMatch(/^0\|domain work [^\n]*\n$/)
  })

  it('can be read by a client', async () => {
    const work = await standalone(pipeline.system, 'work')
    work.damage.note('netvm', 'two\nlines')
    const content = (await pipeline.ask('cloister.Problems')).slice(2)
    expect(findCall('cloister.Problems')?.dialect.reply.decode(utf8(content))).toEqual([
      { kind: 'domain', name: 'work', reason: 'has a stored value that cannot be read: netvm: two\nlines' },
    ])
  })
})
