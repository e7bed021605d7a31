import { laterErrors, QubesVMNotHaltedError, StoragePoolException } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { QubesVM } from '../../domains/qubes-vm.ts'
import { setProperty } from '../../operations/properties.ts'
import { discrepancies } from '../../testing/soundness.ts'
import { TestSystem } from '../../testing/test-system.ts'
import { importStream } from './import-stream.ts'
import {
  beginImport,
  clearVolume,
  endImport,
  findVolume,
  resizeVolume,
  setVolumeRevisions,
} from './volume-operations.ts'

let system: TestSystem
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('StandaloneVM', 'work')
})
afterEach(() => system[Symbol.asyncDispose]())

const owned = (of = vm): ReturnType<typeof findVolume> => findVolume(of, 'private')

async function* stream(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

describe('what replaces the content of a volume', () => {
  const replacements: readonly [string, () => Promise<unknown>][] = [
    ['an import', () => importStream(owned(), stream('x'.repeat(512)), 512n)],
    ['an import in two calls', () => beginImport(owned())],
    ['clearing it', () => clearVolume(owned())],
    ['a copy', async () => system.app.copies.copy(owned(await system.create('StandaloneVM', 'source')), owned())],
  ]

  it.each(replacements)('%s is refused while its domain runs', async (_what, replace) => {
    await vm.lifeCycle.start()
    await expect(replace()).rejects.toThrow(QubesVMNotHaltedError)
    await vm.lifeCycle.kill()
    expect(await discrepancies(system)).toEqual([])
  })

  it.each(replacements)('%s is refused when its domain is just being started', async (_what, replace) => {
    const held = system.driver.holdNext('domainDefineXML')
    const start = vm.lifeCycle.start()
    await held.reached
    expect(vm.powerState).toBe('Halted')
    const refused = expect(replace()).rejects.toThrow(QubesVMNotHaltedError)
    await new Promise(setImmediate)
    held.release()
    await Promise.all([start, refused])
    expect(await discrepancies(system)).toEqual([])
  })

  it('keeps its domain from starting until it ends', async () => {
    await beginImport(owned())
    await expect(vm.lifeCycle.start()).rejects.toThrow(/Import operation in progress/)
    await endImport(owned(), false)
    await vm.lifeCycle.start()
    expect(await discrepancies(system)).toEqual([])
  })

  it('changes nothing when it is too short, too long or breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      throw new Error('the line is dead')
    }
    await expect(importStream(owned(), stream('x'), 512n)).rejects.toThrow(StoragePoolException)
    await expect(importStream(owned(), stream('x'.repeat(512), 'y'), 512n)).rejects.toThrow(/too much data/)
    await expect(importStream(owned(), broken(), 512n)).rejects.toThrow(/the line is dead/)
    expect(await vm.storage.get('private').size()).toBe(2n << 30n)
    expect(await discrepancies(system)).toEqual([])
  })

  it('says in words when the disk is full, also when ending the import fails too', async () => {
    for (const endFails of [false, true]) {
      system.faults.failNext('open', 'ENOSPC', /import/)
      if (endFails) system.faults.failNext('unlink', 'EIO', /import/)
      const error: unknown = await importStream(owned(), stream('x'.repeat(512)), 512n).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(StoragePoolException)
      expect(String(error)).toContain(
        'Cannot import into volume appvms/work/private: cannot write the data: no space is left on the file system',
      )
      expect(laterErrors(error)).toHaveLength(endFails ? 1 : 0)
    }
    await importStream(owned(), stream('y'.repeat(512)), 512n)
    expect(await vm.storage.get('private').size()).toBe(512n)
  })
})

describe('the size of a volume', () => {
  it('cannot shrink under a guest', async () => {
    await vm.lifeCycle.start()
    await expect(resizeVolume(owned(), 1n << 30n)).rejects.toThrow(/Cannot shrink/)
  })

  it('grows under a guest, which has to be told', async () => {
    await vm.lifeCycle.start()
    await expect(resizeVolume(owned(), 3n << 30n)).rejects.toThrow(/grow it there/)
    expect(await vm.storage.get('private').size()).toBe(3n << 30n)
    await vm.lifeCycle.kill()
    await system.reopen()
    expect(await (system.app.domains.get('work') as QubesVM).storage.get('private').size()).toBe(3n << 30n)
  })
})

it('snapshots are switched only while all that use a volume are halted', async () => {
  const template = await system.create('AppVM', 'app', await system.create('TemplateVM', 'tmpl'))
  await setProperty(template, 'template_for_dispvms', 'True')
  const disposable = await system.create('DispVM', 'disp', template)
  await disposable.lifeCycle.start()
  await expect(setVolumeRevisions(owned(template), -1)).rejects.toThrow(/disp/)
  await setVolumeRevisions(owned(template), 0)
  await disposable.lifeCycle.kill()
  await setVolumeRevisions(owned(template), -1)
  await disposable.lifeCycle.start()
  await expect(template.lifeCycle.start()).rejects.toThrow(/its disposable disp runs/)
  await disposable.lifeCycle.kill()
  await template.lifeCycle.start()
  await expect(disposable.lifeCycle.start()).rejects.toThrow(/appvms\/app\/private is running/)
})
