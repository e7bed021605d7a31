import { ProtocolError, Untrusted, utf8 } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { allCalls, callNames, findCall, refuseWrongPresence } from './calls.ts'

// What must be served, from the tables of the references; classes of domains stand for themselves.
const both = [
  'vmclass.List label.List label.Get label.Index label.Create label.Remove',
  'vm.List vm.Create.<class> vm.CreateInPool.<class> vm.Remove',
  'property.List property.Get property.Help property.Set property.Reset',
  'vm.property.List vm.property.Get vm.property.Help vm.property.Set vm.property.Reset',
  'vm.feature.List vm.feature.Get vm.feature.CheckWithTemplate vm.feature.Set vm.feature.Remove',
  'vm.tag.List vm.tag.Get vm.tag.Set vm.tag.Remove',
  'vm.firewall.Get vm.firewall.Set vm.firewall.Reload',
  'pool.List pool.ListDrivers pool.Info pool.Add pool.Remove pool.volume.List',
  'pool.volume.Info pool.volume.ListSnapshots pool.volume.Revert pool.volume.Resize',
  'vm.volume.List vm.volume.Info vm.volume.ListSnapshots vm.volume.Revert vm.volume.Resize vm.volume.Import',
  'vm.Start vm.Shutdown vm.Pause vm.Unpause vm.Kill Events',
  'vm.device.<devices>.Available vm.device.<devices>.Attach vm.device.<devices>.Detach backup.Execute backup.Info',
]
const adminOnly = [
  'deviceclass.List vm.CreateDisposable property.GetAll property.GetDefault vm.property.GetAll vm.property.GetDefault',
  'vm.feature.CheckWithNetvm vm.feature.CheckWithAdminVM vm.feature.CheckWithTemplateAndAdminVM',
  'vm.notes.Get vm.notes.Set vm.Suspend vm.Resume vm.CurrentState vm.Console vm.Stats',
  'vm.volume.ImportWithSize vm.volume.Clear vm.volume.CloneFrom vm.volume.CloneTo',
  'vm.volume.Set.revisions_to_keep vm.volume.Set.rw vm.volume.Set.ephemeral',
  'vm.device.<devices>.Attached vm.device.<devices>.Assigned vm.device.<devices>.Assign vm.device.<devices>.Unassign',
  'vm.device.<devices>.Set.assignment vm.device.denied.List vm.device.denied.Add vm.device.denied.Remove backup.Cancel',
  'pool.UsageDetails pool.Set.revisions_to_keep pool.Set.ephemeral_volatile',
]
const mgmtOnly = [
  'vm.CreateTemplate vm.Clone vm.CloneInPool property.HelpRst vm.property.HelpRst vm.volume.Snapshot',
  'vm.device.<devices>.List vm.microphone.Attach vm.microphone.Detach backup.Restore',
  'vm.firewall.GetPolicy vm.firewall.SetPolicy vm.firewall.Flush pool.volume.Snapshot pool.volume.Import',
]
const plain = [
  'internal.GetSystemInfo internal.vm.volume.ImportBegin internal.vm.volume.ImportEnd',
  'cloister.vm.CreateTemplate.raw cloister.vm.CreateTemplate.qcow2 cloister.Problems',
  'internal.SuspendPre internal.SuspendPost qubes.FeaturesRequest qubes.NotifyTools qubes.NotifyUpdates',
]
const classes = ['AppVM', 'TemplateVM', 'StandaloneVM', 'AdminVM', 'DispVM', 'RemoteVM']

const devices = ['block', 'mic', 'pci', 'usb', 'webcam']

const names = (prefix: string, lines: string[]): string[] =>
  lines
    .flatMap((line) => line.split(' '))
    .flatMap((name) => (name.includes('<class>') ? classes.map((klass) => name.replace('<class>', klass)) : [name]))
    .flatMap((name) => (name.includes('<devices>') ? devices.map((kind) => name.replace('<devices>', kind)) : [name]))
    .map((name) => prefix + name)

describe('the table of calls', () => {
  it('holds every call of the references, those of our own, and no other', () => {
    const expected = [
      ...names('admin.', [...both, ...adminOnly]),
      ...names('mgmt.', [...both, ...mgmtOnly]),
      ...names('', plain),
    ]
    expect(callNames.toSorted()).toEqual(expected.toSorted())
  })

  it('gives each name to one row', () => {
    const served = allCalls.flatMap((row) => {
      const dialects = [row.admin, row.mgmt, row.plain].filter((dialect) => dialect !== undefined)
      return dialects.flatMap(() => row.variants ?? [''])
    })
    expect(callNames).toHaveLength(served.length)
  })

  it('is sound in every row', () => {
    for (const row of allCalls) {
      expect(row.summary).toMatch(/^[A-Z].*\.$/)
      if (row.socket !== 'main') expect(row.plain).toBeDefined()
      if (row.stream === 'reply') expect(row.effect).toBe('read')
      if (row.stream === 'payload') expect(row.effect).toBe('write')
    }
  })
})

describe('findCall', () => {
  it('tells dialect, variant and destination', () => {
    expect(findCall('mgmt.vm.Create.AppVM')).toMatchObject({
      dialectName: 'mgmt',
      variant: 'AppVM',
      destination: 'admin',
    })
    expect(findCall('admin.vm.Start')).toMatchObject({ dialectName: 'admin', destination: 'any' })
    expect(findCall('mgmt.vm.volume.Resize')).toMatchObject({ dialectName: 'mgmt', destination: 'domain' })
    expect(findCall('internal.SuspendPre')).toMatchObject({ dialectName: 'plain', row: { socket: 'internal' } })
  })

  it.each([
    '',
    'nosuch',
    'admin.',
    'admin.nosuch',
    'admin.VM.List',
    'admin.vm.list',
    'vm.List',
    'admin.vm.Create',
    'admin.vm.Create.',
    'admin.vm.Create.<class>',
    'admin.vm.Create.NoSuchClass',
    'admin.internal.SuspendPre',
    'admin.property.HelpRst',
    'admin.vm.firewall.Flush',
    'admin.vm.Clone',
    'mgmt.vm.CurrentState',
    'admin.vm.device.floppy.Assigned',
    'admin.vm.device.block.List',
    'admin.backup.nosuch',
    'admin.backup.Restore',
    '__proto__',
    'constructor',
  ])('does not know %j', (name) => {
    expect(findCall(name)).toBeUndefined()
  })
})

describe('refuseWrongPresence', () => {
  const check = (name: string, argument: string, payload: string) => () => {
    const call = findCall(name)
    if (call === undefined) throw new Error(`no call ${name}`)
    refuseWrongPresence(call, new Untrusted(utf8(argument)), new Untrusted(utf8(payload)))
  }

  it.each([
    ['admin.label.List', 'x', ''],
    ['admin.label.List', '', 'x'],
    ['admin.label.Get', '', ''],
    ['admin.label.Get', 'red', 'x'],
    ['admin.vm.volume.Resize', 'private', ''],
    ['admin.pool.Add', 'file', ''],
    ['admin.vm.tag.Set', 'zed', 'payload'],
    ['admin.vm.notes.Set', 'x', 'y'],
    ['mgmt.vm.Pause', 'wait', ''],
    ['mgmt.vm.volume.Import', '', 'data'],
  ])('refuses %s with argument %j and payload %j', (name, argument, payload) => {
    expect(check(name, argument, payload)).toThrow(ProtocolError)
  })

  it.each([
    ['mgmt.label.List', 'red', ''],
    ['admin.vm.feature.Set', 'empty', ''],
    ['admin.vm.property.Set', 'netvm', ''],
    ['admin.vm.firewall.Set', '', ''],
    ['admin.vm.notes.Set', '', ''],
    ['admin.vm.Create.AppVM', '', 'anything'],
    ['mgmt.vm.volume.Import', 'root', 'data'],
  ])('takes %s with argument %j and payload %j', (name, argument, payload) => {
    expect(check(name, argument, payload)).not.toThrow()
  })
})
