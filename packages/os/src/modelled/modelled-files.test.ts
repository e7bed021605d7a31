import { utf8, utf8Text } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { CannotCloneError } from '../files.ts'
import { ProcessDied } from './faults.ts'
import { ModelledOs, seededSurvival } from './modelled-os.ts'

const machine = () => new ModelledOs({ folders: ['/d'] })

async function content({ files }: ModelledOs, path: string): Promise<string | undefined> {
  return (await files.stat(path)) && utf8Text(await files.read(path, 1 << 20))
}

async function write({ files }: ModelledOs, path: string, text: string): Promise<void> {
  const writer = await files.open(path)
  await writer.write(utf8(text), 0n)
  await writer.close()
}

describe('a modelled file system that loses its power', () => {
  it('forgets names that were not synced', async () => {
    const os = machine()
    await os.files.create('/d/a', { data: utf8('a') })
    await os.files.sync('/d/a')
    await os.files.makeFolder('/d/folder', 0o700)
    os.losePower()
    expect(await os.files.list('/d')).toEqual([])
  })

  it('forgets content that was not synced', async () => {
    const os = machine()
    await os.files.create('/d/a', { data: utf8('a') })
    await os.files.syncFolder('/d')
    os.losePower()
    expect(await content(os, '/d/a')).toBe('')
    await write(os, '/d/a', 'synced')
    await os.files.sync('/d/a')
    await write(os, '/d/a', 'forgotten')
    os.losePower()
    expect(await content(os, '/d/a')).toBe('synced')
  })

  it('gives names back that were taken without a sync', async () => {
    const os = machine()
    for (const name of ['a', 'b', 'c']) await os.files.create(`/d/${name}`, { data: utf8(name) })
    for (const name of ['a', 'b', 'c']) await os.files.sync(`/d/${name}`)
    await os.files.syncFolder('/d')
    await os.files.unlink('/d/a')
    await os.files.rename('/d/b', '/d/c')
    expect(await os.files.list('/d')).toEqual(['c'])
    os.losePower()
    expect(await Promise.all(['a', 'b', 'c'].map((name) => content(os, `/d/${name}`)))).toEqual(['a', 'b', 'c'])
    expect((await os.files.stat('/d/c'))?.links).toBe(1n)
  })

  it('may keep some of it, in any order', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const os = machine()
      for (const name of ['a', 'b']) await os.files.create(`/d/${name}`, { data: utf8(name) })
      os.losePower(seededSurvival(seed))
      seen.add((await os.files.list('/d')).map((name) => `${name}${os.files.peek(`/d/${name}`, 0n, 1).length}`).join())
    }
    expect([...seen].sort()).toEqual(['', 'a0', 'a0,b0', 'a0,b1', 'a1', 'a1,b0', 'a1,b1', 'b0', 'b1'])
  })

  it('never keeps half a rename', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const os = machine()
      await os.files.create('/d/a', { data: utf8('a') })
      await os.files.syncFolder('/d')
      await os.files.rename('/d/a', '/d/b')
      os.losePower(seededSurvival(seed))
      expect(await os.files.list('/d')).toHaveLength(1)
    }
  })

  it('boots again: another boot id, and no process of before', async () => {
    const os = machine()
    const [bootId, before] = [os.host.bootId, await os.processes.identify(process.pid)]
    os.restart()
    expect(os.host.bootId).toBe(bootId)
    expect((await os.processes.identify(process.pid))?.startTime).not.toBe(before?.startTime)
    os.losePower()
    expect(os.host.bootId).not.toBe(bootId)
  })
})

describe('a modelled file system with faults', () => {
  it('dies after as many steps as planned, and stays dead', async () => {
    const os = machine()
    os.files.faults.dieAfter(1)
    await expect(os.files.create('/d/a', { data: utf8('a') })).rejects.toThrow(ProcessDied)
    await expect(os.files.stat('/d/a')).rejects.toThrow(ProcessDied)
    await expect(os.files.create('/d/b', {})).rejects.toThrow(ProcessDied)
    os.restart()
    expect(await content(os, '/d/a')).toBe('')
    expect(await os.files.list('/d')).toEqual(['a'])
  })

  it('fails the planned operation once', async () => {
    const os = machine()
    os.files.faults.failNext('create', 'ENOSPC', '/d/b')
    os.files.faults.failNext('rename', 'EIO', /b$/)
    await os.files.create('/d/a', {})
    await expect(os.files.create('/d/b', {})).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(os.files.rename('/d/a', '/d/b')).rejects.toMatchObject({ code: 'EIO' })
    await os.files.rename('/d/a', '/d/b')
    os.files.faults.failNext('clone', 'EXDEV')
    await expect(os.files.clone('/d/b', '/d/c')).rejects.toThrow(CannotCloneError)
    os.files.faults.failNext('clone', 'EIO')
    await expect(os.files.clone('/d/b', '/d/c')).rejects.toMatchObject({ code: 'EIO' })
    expect(os.files.faults.trace.map(({ operation }) => operation)).toEqual(['create', 'fill', 'rename'])
  })

  it('has no programs but fakes', async () => {
    const { processes } = machine()
    await expect(processes.run(['ls'])).rejects.toThrow('Cannot run ls')
    expect(await processes.find('ls')).toBeUndefined()
    processes.fake('ls', async (args) => ({ stdout: utf8(args.join()) }))
    expect(await processes.run(['ls', '-l', '/'])).toEqual({ stdout: utf8('-l,/'), stderr: '' })
    expect(await processes.find('ls')).toBe('/usr/bin/ls')
    await expect(processes.startDetached(['ls'])).rejects.toThrow('there are no processes here')
    expect(await processes.signal()).toBe(false)
    await processes.gone()
  })
})
