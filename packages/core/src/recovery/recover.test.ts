import { mkdir, open, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QubesVM } from '../domains/qubes-vm.ts'
import { setProperty } from '../operations/properties.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'

// What one daemon leaves and the next finds (reference: storage-and-lifecycle, A.3 and B.4.4; design: decisions 6 and 15).

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  await system.create('AppVM', 'work', template)
})
afterEach(() => system[Symbol.asyncDispose]())

function vm(name = 'work'): QubesVM {
  const found = system.app.domains.get(name)
  if (!(found instanceof QubesVM)) throw new Error(`${name} does not run here`)
  return found
}

const volumePath = (volume: string, suffix: string): string =>
  join(system.folder, `${vm().storage.get(volume).vid}${suffix}`)

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(text, 0)
  await file.close()
}

async function content(path: string, length: number): Promise<string> {
  const file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, 0)
  await file.close()
  return buffer.toString()
}

const revisions = async (): Promise<number> =>
  (await system.files()).filter((path) => path.includes('work/private.img.')).length

const errors = (): unknown[] => system.logged.filter(({ level }) => level === 'error')

describe('39: a guest that goes on while there is no daemon', () => {
  it('is followed by the next one; its volumes are committed when it stops, once', async () => {
    await vm().lifeCycle.start()
    const before = [vm().get(vm().property('xid')), vm().get(vm().property('start_time'))]
    await write(volumePath('private', '-dirty.img'), 'flushed')
    await system.reopen()
    expect(vm().powerState).toBe('Running')
    expect([vm().get(vm().property('xid')), vm().get(vm().property('start_time'))]).toEqual(before)
    expect(await discrepancies(system)).toEqual([])
    expect(await revisions()).toBe(0)
    expect(await system.told(() => vm().lifeCycle.start())).toEqual([])
    const events = await system.told(() => vm().lifeCycle.shutdown({ wait: true }))
    expect(events.filter((event) => !event.includes('property'))).toEqual([
      'work domain-pre-shutdown',
      'work domain-stopped',
      'work domain-shutdown',
    ])
    expect(await content(volumePath('private', '.img'), 7)).toBe('flushed')
    expect(await revisions()).toBe(1)
    expect(await discrepancies(system)).toEqual([])
  })

  it.each([
    ['powers itself off', () => system.driver.powerOffDomain(vm().uuid)],
    ['crashes', () => system.driver.crashDomain(vm().uuid)],
  ])('and later %s, is noticed', async (_what, end) => {
    await vm().lifeCycle.start()
    await system.reopen()
    end()
    await system.until(async () => (await system.intents()).length === 0)
    expect(vm().powerState).toBe('Halted')
    expect(await revisions()).toBe(1)
  })

  it('stays paused, and goes on when told to', async () => {
    await vm().lifeCycle.start()
    await vm().lifeCycle.pause()
    await system.reopen()
    expect(vm().powerState).toBe('Paused')
    await vm().lifeCycle.unpause()
    expect(vm().powerState).toBe('Running')
  })

  it('counts as usable when its agent connects again, and not before', async () => {
    await system.features(vm(), { qrexec: '1' })
    const start = vm().lifeCycle.start()
    await system.until(() => vm().powerState === 'Transient')
    system.app.agents.note(vm(), true)
    await start
    await system.reopen()
    expect(vm().powerState).toBe('Transient')
    system.app.agents.note(vm(), true)
    expect(vm().powerState).toBe('Running')
  })
})

describe('a guest that ended while there was no daemon', () => {
  it.each([1, 2, 3])('is committed exactly once, however many daemons look (%i)', async (daemons) => {
    await vm().lifeCycle.start()
    await write(volumePath('private', '-dirty.img'), 'flushed')
    await write(volumePath('volatile', '-dirty.img'), 'passing')
    await system.kill()
    const [guest] = await system.driver.connectListAllDomains({ active: true })
    system.driver.powerOffDomain(guest?.uuid ?? '')
    for (let count = 0; count < daemons; count++) await system.reopen()
    expect(vm().powerState).toBe('Halted')
    expect(await content(volumePath('private', '.img'), 7)).toBe('flushed')
    expect(await revisions()).toBe(1)
    expect(await discrepancies(system)).toEqual([])
    expect(errors()).toEqual([])
  })

  it('is committed by a later daemon when the first cannot', async () => {
    await vm().lifeCycle.start()
    await write(volumePath('private', '-dirty.img'), 'flushed')
    await system.kill()
    const [guest] = await system.driver.connectListAllDomains({ active: true })
    system.driver.powerOffDomain(guest?.uuid ?? '')
    const image = join(system.folder, 'appvms/work/private.img')
    await rename(image, `${system.folder}/elsewhere`)
    await mkdir(image)
    await system.reopen()
    expect(vm().powerState).toBe('Halted')
    expect(await system.intents()).toEqual(['run work'])
    expect(errors()).toEqual([
      expect.objectContaining({ message: expect.stringContaining('the next start tries again') }),
    ])
    await rmdir(image)
    await rename(`${system.folder}/elsewhere`, image)
    await system.reopen()
    expect(await content(image, 7)).toBe('flushed')
    expect(await revisions()).toBe(1)
    expect(await discrepancies(system)).toEqual([])
  })

  it('and that was a disposable, is removed', async () => {
    await setProperty(vm(), 'template_for_dispvms', 'True')
    const disposable = await system.app.disposables.create(vm(), system.app.adminVM)
    await disposable.lifeCycle.start()
    await system.kill()
    system.driver.powerOffDomain(disposable.uuid)
    await system.reopen()
    expect(system.app.domains.find(disposable.name)).toBeUndefined()
    expect(await discrepancies(system)).toEqual([])
  })
})

describe('a start that the end of the daemon interrupted', () => {
  it.each(['domainDefineXML', 'domainCreate', 'domainResume'] as const)('before %s is undone', async (call) => {
    const held = system.driver.holdNext(call)
    vm()
      .lifeCycle.start()
      .catch(() => {})
    await held.reached
    await system.kill()
    // The call that was under way still reaches the hypervisor.
    held.release()
    await new Promise(setImmediate)
    await system.reopen()
    const state = call === 'domainResume' ? 'Running' : 'Halted'
    expect(vm().powerState).toBe(state)
    expect(await discrepancies(system)).toEqual([])
    if (state === 'Halted') await vm().lifeCycle.start()
  })

  it('after its guest was let go is taken for one that is done, whatever comes then', async () => {
    const held = Promise.withResolvers<void>()
    system.app.events.onLife(QubesVM, 'domain-unpaused', () => held.promise)
    void vm().lifeCycle.start()
    await system.until(() => system.events.at(-1) === 'work domain-unpaused')
    await system.reopen()
    expect(vm().powerState).toBe('Running')
    await vm().lifeCycle.pause()
    await system.reopen()
    expect(vm().powerState).toBe('Paused')
  })
})

describe('what is left of a domain', () => {
  it('that could not be made is removed by the next daemon', async () => {
    system.faults.failNext('create', 'EIO', /new\/private/)
    system.faults.failNext('unlink', 'EIO', /new\/root/)
    await expect(system.create('StandaloneVM', 'new')).rejects.toThrow(/input\/output error/)
    expect(await system.intents()).toEqual(['create new'])
    expect((await system.files()).filter((path) => path.includes('/new/'))).toHaveLength(1)
    await system.reopen()
    expect(await discrepancies(system)).toEqual([])
  })

  it('that was removed is removed by the next daemon', async () => {
    await system.create('StandaloneVM', 'old')
    system.faults.failNext('unlink', 'EIO', /old\/private\.img$/)
    await system.app.removeDomain(vm('old'))
    expect(system.app.domains.find('old')).toBeUndefined()
    expect(await system.intents()).toEqual(['remove old'])
    await system.reopen()
    expect(await discrepancies(system)).toEqual([])
  })

  it('that was removed stays when the name was given to another', async () => {
    await system.create('StandaloneVM', 'old')
    system.faults.failNext('unlink', 'EIO', /old\/private\.img$/)
    await system.app.removeDomain(vm('old'))
    await system.create('StandaloneVM', 'old')
    await vm('old').lifeCycle.start()
    await write(join(system.folder, 'appvms/old/private-dirty.img'), 'precious')
    await vm('old').lifeCycle.kill()
    await system.reopen()
    expect(await content(join(system.folder, 'appvms/old/private.img'), 8)).toBe('precious')
    expect(await discrepancies(system)).toEqual([])
  })

  it('that the hypervisor would not forget is forgotten by the next daemon', async () => {
    await system.create('StandaloneVM', 'old')
    await vm('old').lifeCycle.start()
    await vm('old').lifeCycle.kill()
    system.faults.failNext('domainUndefine', 'EIO')
    await system.app.removeDomain(vm('old'))
    expect(await system.intents()).toEqual(['remove old'])
    await system.reopen()
    expect(await discrepancies(system)).toEqual([])
    await system.create('StandaloneVM', 'old')
    await vm('old').lifeCycle.start()
  })
})
