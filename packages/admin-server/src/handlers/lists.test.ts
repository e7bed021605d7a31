import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { standalone, TestPipeline } from '../testing/test-pipeline.ts'

let main: TestPipeline
const work = { destination: 'work' }

beforeEach(async () => {
  main = await TestPipeline.open()
  await standalone(main.system, 'work')
  await standalone(main.system, 'other')
})

afterEach(async () => {
  vi.restoreAllMocks()
  await main[Symbol.asyncDispose]()
})

/** Makes the icon of a domain fail when it is read, as a fault of the daemon does. */
function breakIcon({ system }: TestPipeline, name: string): void {
  vi.spyOn(system.app.domains.get(name), 'icon', 'get').mockImplementation(() => {
    throw new Error('broken')
  })
}

describe('an object that cannot be read', () => {
  it('has the empty value in GetAll, and the other properties theirs', async () => {
    breakIcon(main, 'work')
    const reply = await main.ask('admin.vm.property.GetAll', work)
    expect(reply).toContain('\nicon default=True type=str \n')
    expect(reply).toContain('\nlabel default=False type=label red\n')
    expect(reply).toContain('\nname default=False type=str work\n')
  })

  it('is shown without rights in GetSystemInfo, and the other domains as they are', async () => {
    await using internal = await TestPipeline.open({ calls: 'internal' })
    await standalone(internal.system, 'work')
    await standalone(internal.system, 'other')
    breakIcon(internal, 'work')
    const reply = (await internal.ask('internal.GetSystemInfo')).slice(2)
    const { domains } = JSON.parse(reply) as { domains: Record<string, unknown> }
    expect(domains['work']).toMatchObject({
      type: 'StandaloneVM',
      tags: [],
      power_state: 'NA',
      template_for_dispvms: false,
    })
    expect(domains['other']).toMatchObject({ label: '0xcc0000', power_state: 'Halted' })
  })

  it('does not keep the domains from being listed', async () => {
    breakIcon(main, 'work')
    expect(await main.ask('admin.vm.List')).toMatch(/dom0 .*\nother .*\nwork class=StandaloneVM state=Halted/)
  })

  it('is a pool with a configuration and without space, while it is out of reach', async () => {
    const pool = main.system.app.pools.get('varlibqubes')
    vi.spyOn(pool, 'usageDetails').mockRejectedValue(new Error('out of reach'))
    vi.spyOn(pool, 'includedIn').mockRejectedValue(new Error('out of reach'))
    const reply = await main.ask('admin.pool.Info+varlibqubes')
    expect(reply).toContain('driver=file\n')
    expect(reply).not.toContain('size=')
  })
})

describe('places on the host', () => {
  it('are told to the admin domain only', async () => {
    const guest = { ...work, source: 'work' }
    expect(await main.ask('admin.vm.volume.Info+private', work)).toMatch(/\npath=\//)
    expect(await main.ask('admin.vm.volume.Info+private', guest)).not.toContain('path=')
    expect(await main.ask('admin.pool.Info+varlibqubes')).toContain('dir_path=/')
    expect(await main.ask('admin.pool.Info+varlibqubes', { source: 'work' })).not.toContain('dir_path')
  })
})

describe('calls of devices and backups', () => {
  it('list nothing, so that clients that copy or show devices find nothing to do', async () => {
    for (const kind of ['block', 'pci', 'usb', 'mic']) {
      for (const list of ['Available', 'Attached', 'Assigned']) {
        expect(await main.ask(`admin.vm.device.${kind}.${list}`, work)).toBe('0|')
      }
    }
    expect(await main.ask('mgmt.vm.device.block.List', work)).toBe('0|')
  })

  it.each(['admin.vm.device.block.Attach+other+sda', 'admin.backup.Execute+daily', 'mgmt.vm.microphone.Attach'])(
    '%s is known, but not served',
    async (call) => {
      const destination = call.includes('backup') ? 'dom0' : 'work'
      expect(await main.ask(call, { destination })).toMatch(
        /^2\|QubesNotImplementedError\|\|This version of cloisterd cannot /,
      )
    },
  )

  it('keep the interfaces of devices that are denied, in order', async () => {
    expect(await main.ask('admin.vm.device.denied.Add', { ...work, payload: 'u******b******' })).toBe('0|')
    expect(await main.ask('admin.vm.device.denied.List', work)).toBe('0|b******\nu******')
    expect(await main.ask('admin.vm.device.denied.Remove', { ...work, payload: 'b******' })).toBe('0|')
    expect(await main.ask('admin.vm.device.denied.List', work)).toBe('0|u******')
    expect(await main.ask('admin.vm.device.denied.Remove', { ...work, payload: 'all' })).toBe('0|')
    expect(await main.ask('admin.vm.device.denied.List', work)).toBe('0|')
  })
})

describe('messages', () => {
  it.each([
    ['admin.vm.volume.Set.revisions_to_keep+private', 'abc', 'revisions_to_keep must be a whole number, not "abc"'],
    ['admin.vm.volume.Set.revisions_to_keep+private', '-2', 'revisions_to_keep must be -1 or more, not "-2"'],
    ['admin.vm.volume.Set.revisions_to_keep+private', '1000000000', 'revisions_to_keep must be 999999999 or less'],
    ['admin.vm.property.Set+memory', 'abc', 'memory must be an integer, not "abc"'],
    ['admin.vm.property.Set+memory', '9'.repeat(30), 'memory must be between -9007199254740991 and 9007199254740991'],
  ])('%s %s', async (call, payload, message) => {
    expect(await main.ask(call, { ...work, payload })).toContain(`||${message}`)
  })

  it('pool.Add names a value that is no number', async () => {
    const payload = 'name=p\ndir_path=/srv/p\nrevisions_to_keep=abc\n'
    expect(await main.ask('admin.pool.Add+file', { payload })).toContain('revisions_to_keep: abc.')
  })
})
