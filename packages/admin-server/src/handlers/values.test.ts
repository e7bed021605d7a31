import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestPipeline } from '../testing/test-pipeline.ts'

let pipeline: TestPipeline

beforeEach(async () => {
  pipeline = await TestPipeline.open()
  await pipeline.system.create('StandaloneVM', 'work')
})
afterEach(() => pipeline[Symbol.asyncDispose]())

/** Type of the exception that a call is answered with, or `ok`. */
async function verdict(call: string, payload: string, destination = 'dom0'): Promise<string> {
  const [kind = '', type = ''] = (await pipeline.ask(call, { payload, destination })).split('|')
  return kind === '2' ? type : 'ok'
}

it.each([
  ['admin.pool.Set.revisions_to_keep+missing', 'x', 'dom0', 'QubesException'],
  ['admin.pool.Set.revisions_to_keep+varlibqubes', 'x', 'dom0', 'ProtocolError'],
  ['admin.pool.Set.revisions_to_keep+varlibqubes', ' 1\n', 'dom0', 'ok'],
  ['admin.pool.Set.ephemeral_volatile+missing', 'x', 'dom0', 'QubesException'],
  ['admin.pool.volume.Resize+missing', 'x', 'dom0', 'QubesException'],
  ['admin.vm.volume.Set.revisions_to_keep+missing', 'x', 'work', 'QubesException'],
  ['admin.vm.volume.Set.revisions_to_keep+private', '-2', 'work', 'QubesValueError'],
  ['admin.vm.volume.Set.revisions_to_keep+private', ' 1\n', 'work', 'ok'],
  ['admin.vm.volume.Set.rw+missing', 'x', 'work', 'QubesException'],
  ['admin.vm.volume.Resize+missing', 'x', 'work', 'QubesException'],
  ['admin.vm.volume.Revert+missing', '@', 'work', 'QubesException'],
])('%s with %j to %s: %s', async (call, payload, destination, expected) => {
  expect(await verdict(call, payload, destination)).toBe(expected)
})

it('while a domain runs, only switching snapshots off or on is refused', async () => {
  const work = pipeline.system.app.domains.get('work')
  await work.lifeCycle?.start()
  const set = (count: string): Promise<string> =>
    verdict('admin.vm.volume.Set.revisions_to_keep+private', count, 'work')
  expect([await set('1'), await set('0'), await set('-1'), await set('-2')]).toEqual([
    'ok',
    'ok',
    'QubesVMNotHaltedError',
    'QubesValueError',
  ])
})
