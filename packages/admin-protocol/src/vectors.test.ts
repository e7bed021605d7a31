import { CloisterError, Untrusted, utf8, utf8Text } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { type FoundCall, findCall, refuseWrongPresence } from './calls.ts'
import { takeFirstLine } from './first-line.ts'

// Bytes that were recorded from the reference server; reference: admin-api, 2, 5.6 and 19.

function call(name: string): FoundCall {
  const found = findCall(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** The type of the error that a request ends with before anything is looked up, or `ok`. */
function verdict(name: string, argument: string | Uint8Array, payload: string | Uint8Array = ''): string {
  const bytes = (given: string | Uint8Array): Uint8Array => (typeof given === 'string' ? utf8(given) : given)
  try {
    const { dialect } = call(name)
    refuseWrongPresence(call(name), new Untrusted(bytes(argument)), new Untrusted(bytes(payload)))
    dialect.argument.decode(bytes(argument))
    dialect.payload.decode(bytes(payload))
    return 'ok'
  } catch (error) {
    if (error instanceof CloisterError) return error.wireType
    throw error
  }
}

describe('replies are those of the reference, byte for byte', () => {
  const uuid = 'b6152348-2a5b-4993-92eb-3805a274688a'
  const volume =
    'pool=varlibqubes\nvid=appvms/work/root\nsize=10737418240\nusage=0\nrw=True\nsource=vm-templates/debian-12/root\n' +
    'path=/x\nsave_on_stop=False\nsnap_on_start=True\nrevisions_to_keep=0\nephemeral=False\nis_outdated=False\n'

  it.each([
    ['admin.vmclass.List', 'AppVM\nTemplateVM\n'],
    ['admin.vm.List', `work class=AppVM state=Halted uuid=${uuid}\n`],
    ['admin.label.List', 'red\norange\n'],
    ['admin.label.Get', '0xcc0000'],
    ['admin.label.Index', '1'],
    ['admin.vm.property.Get', 'default=True type=vm sys-net'],
    ['admin.vm.property.Get', 'default=True type=int '],
    ['admin.vm.property.Get', 'default=False type=bool True'],
    ['admin.vm.property.Get', 'default=True type=str 10.139.1.1 10.139.1.2'],
    ['admin.vm.property.GetDefault', 'type=vm sys-net'],
    ['admin.vm.property.GetDefault', ''],
    [
      'admin.vm.property.GetAll',
      'a default=True type=bool False\nb default=True type=int \nc default=False type=str x\\ny\\\\z\n',
    ],
    ['admin.vm.CurrentState', 'mem=0 mem_static_max=0 cputime=0 power_state=Halted'],
    ['admin.vm.tag.Get', '0'],
    ['admin.vm.volume.List', ''],
    ['admin.vm.volume.Info', volume],
    ['admin.pool.UsageDetails', ''],
    ['admin.pool.ListDrivers', 'file revisions_to_keep dir_path ephemeral_volatile\nlinux-kernel dir_path\n'],
    [
      'admin.pool.Info',
      'dir_path=/var/lib/qubes\ndriver=file\nephemeral_volatile=False\nname=varlibqubes\nrevisions_to_keep=1\nsize=270553174016\nusage=36560957440\n',
    ],
    ['admin.vm.firewall.Get', 'action=accept dst4=10.0.0.0/8 proto=tcp dstports=80-443\naction=drop\n'],
    ['admin.vm.CreateDisposable', 'disp1234'],
    ['internal.vm.volume.ImportBegin', '5368709120 /var/lib/x y'],
    ['mgmt.vm.List', 'work class=AppVM state=Halted\n'],
    ['mgmt.vm.property.Get', 'default=no type=bool yes'],
    ['mgmt.vm.property.Get', 'default=yes type=str True'],
    [
      'mgmt.vm.volume.Info',
      'pool=p\nvid=v\nsize=1\nusage=0\nrw=yes\ninternal=no\nsource=\nsave_on_stop=no\nsnap_on_start=yes\n',
    ],
    ['mgmt.pool.Info', 'driver=file\nephemeral_volatile=no\nname=p\n'],
    ['mgmt.vm.firewall.GetPolicy', 'drop'],
  ])('%s: %j', (name, content) => {
    const { reply } = call(name).dialect
    const value = reply.decode(utf8(content))
    expect(utf8Text(reply.encode(value))).toBe(content)
  })

  it('shows the same value in the words of each dialect', () => {
    const value = call('admin.vm.property.Get').dialect.reply.decode(utf8('default=True type=bool False'))
    expect(utf8Text(call('mgmt.vm.property.Get').dialect.reply.encode(value))).toBe('default=yes type=bool no')
  })
})

describe('requests are refused as the reference refuses them', () => {
  const create = (payload: string): string => verdict('admin.vm.Create.AppVM', 'tmpl-a', payload)
  const createInPool = (payload: string): string => verdict('admin.vm.CreateInPool.AppVM', 'tmpl-a', payload)

  it.each([
    ['name=work label=red', 'ok'],
    ['label=orange name=mail', 'ok'],
    ['', 'ProtocolError'],
    ['name=work2', 'ProtocolError'],
    ['label=red', 'ProtocolError'],
    ['name=', 'QubesValueError'],
    ['name= label=red', 'QubesValueError'],
    ['name=w9 label=', 'QubesInvalidLabelError'],
    ['name=w9 label=3', 'QubesInvalidLabelError'],
    ['name=w9  label=red', 'ProtocolError'],
    ['name=w9 label=red ', 'ProtocolError'],
    ['name=w9\nlabel=red', 'QubesValueError'],
    ['name=w9 label=red x=y', 'ProtocolError'],
    ['name=w9 label=red name=w10', 'ProtocolError'],
    ['name label=red', 'ProtocolError'],
    ['name=w9 label=red pool=varlibqubes', 'ProtocolError'],
    ['NAME=w9 label=red', 'ProtocolError'],
    ['name=ż label=red', 'ProtocolError'],
    ['name=abc-dm label=red', 'QubesValueError'],
    ['name=uuid:x label=red', 'QubesValueError'],
  ])('Create with %j: %s', (payload, expected) => {
    expect(create(payload)).toBe(expected)
  })

  it.each([
    ['name=p2 label=red pool=zz', 'ok'],
    ['name=p2 label=red pool=', 'ok'],
    ['name=p2 label=red pool:private=zz pool:root=yy', 'ok'],
    ['name=p2 label=red pool=a pool:private=a', 'ProtocolError'],
    ['name=p2 label=red pool=a pool=a', 'ProtocolError'],
    ['name=p2 label=red pool:private=a pool:private=a', 'ProtocolError'],
    ['name=p2 label=red pool:=a', 'ProtocolError'],
    ['name=p2 label=red pool:nosuch=a', 'ProtocolError'],
  ])('CreateInPool with %j: %s', (payload, expected) => {
    expect(createInPool(payload)).toBe(expected)
  })

  it.each([
    ['admin.label.Get', 'label-1', '', 'ok'],
    ['admin.label.Get', 'a/b', '', 'QubesInvalidLabelError'],
    ['admin.label.Create', 'pink', ' 0xff00fe\n', 'ok'],
    ['admin.label.Create', '12', '0x101010', 'QubesInvalidLabelError'],
    ['admin.label.Create', 'a+b', '0x101010', 'QubesInvalidLabelError'],
    ['admin.label.Create', 'bad', '0X123456', 'QubesInvalidLabelValueError'],
    ['admin.label.Create', 'bad', '#123456', 'QubesInvalidLabelValueError'],
    ['admin.label.Create', 'bad', '0xffffff\u00a0', 'QubesInvalidLabelValueError'],
    ['admin.label.Create', 'bad', '', 'ProtocolError'],
    ['admin.vm.tag.Set', 'a.b', '', 'QubesInvalidTagError'],
    ['admin.vm.tag.Set', 'ż', '', 'ProtocolError'],
    ['admin.vm.feature.Get', 'b@d', '', 'ok'],
    ['admin.vm.feature.Set', 'b@d', '1', 'ProtocolError'],
    ['admin.vm.feature.Set', 'val', 'tab\there', 'ProtocolError'],
    ['admin.vm.feature.Set', 'val', ' a  b ', 'ok'],
    ['admin.vm.property.Set', 'memory', 'ż', 'QubesValueError'],
    ['admin.vm.property.Set', 'memory', '5\0', 'QubesValueError'],
    ['admin.vm.property.Set', 'memory', 'a\rb', 'QubesValueError'],
    ['admin.vm.property.Set', 'memory', 'a\tb\n', 'ok'],
    ['admin.vm.Shutdown', '', '', 'ok'],
    ['admin.vm.Shutdown', 'wait+force', '', 'ok'],
    ['admin.vm.Shutdown', 'wait+wait', '', 'ok'],
    ['admin.vm.Shutdown', 'force+wait+force', '', 'ok'],
    ['admin.vm.Shutdown', 'force+bogus', '', 'ProtocolError'],
    ['admin.vm.Shutdown', 'FORCE', '', 'ProtocolError'],
    ['admin.vm.Shutdown', 'wait+', '', 'ProtocolError'],
    ['admin.vm.Shutdown', '+', '', 'ProtocolError'],
    ['admin.vm.CreateDisposable', 'zz', '', 'PermissionDenied'],
    ['admin.vm.CreateDisposable', '', 'zz', 'ProtocolError'],
    ['admin.vm.volume.Resize', 'private', '4294967296\n', 'ok'],
    ['admin.vm.volume.Resize', 'private', '01024', 'ProtocolError'],
    ['admin.vm.volume.Resize', 'private', '99999999999999999999', 'ProtocolError'],
    ['admin.vm.volume.Resize', 'private', '1 0', 'ProtocolError'],
    ['admin.vm.volume.Revert', 'private', ' 3\n', 'ok'],
    ['admin.vm.volume.Revert', 'private', 'a@b', 'ProtocolError'],
    ['admin.vm.volume.CloneTo', 'private', 'ż', 'ProtocolError'],
    ['admin.vm.volume.CloneTo', 'private', 'bogus', 'ok'],
    ['admin.vm.volume.Set.revisions_to_keep', 'private', '-1', 'ok'],
    ['admin.vm.volume.Set.revisions_to_keep', 'private', '-2', 'QubesValueError'],
    ['admin.vm.volume.Set.revisions_to_keep', 'private', '01', 'ProtocolError'],
    ['admin.vm.volume.Set.rw', 'root', 'maybe', 'ProtocolError'],
    ['admin.pool.Set.revisions_to_keep', 'p1', '-2', 'ProtocolError'],
    ['admin.pool.Set.ephemeral_volatile', 'p1', 'ON', 'ok'],
    ['admin.pool.Add', 'file', 'name=p2\ndir_path=/x', 'ok'],
    ['admin.pool.Add', 'file', 'dir_path=/x\n', 'ProtocolError'],
    ['admin.pool.Add', 'file', 'name=p2\nname=p3\n', 'ProtocolError'],
    ['admin.pool.Add', 'file', 'name=p2\ndir_path\n', 'ProtocolError'],
    ['admin.pool.Add', 'file', 'name=p 2\n', 'ProtocolError'],
    ['admin.pool.Add', 'file', 'name=p2\n\n', 'ProtocolError'],
    ['admin.pool.Add', 'file', 'name=ż\n', 'ProtocolError'],
    ['admin.pool.volume.Resize', 'p', 'appvms/work/root 5', 'ok'],
    ['admin.pool.volume.Resize', 'p', 'appvms/work/root', 'ProtocolError'],
    ['internal.vm.volume.ImportBegin', 'private', '01', 'ProtocolError'],
    ['internal.vm.volume.ImportBegin', 'private', '0', 'ProtocolError'],
    ['internal.vm.volume.ImportBegin', 'private', '1', 'ok'],
    ['admin.vm.volume.ImportWithSize', 'private', '0', 'ProtocolError'],
    ['internal.vm.volume.ImportEnd', 'private', 'fail\nno luck', 'ok'],
    ['internal.vm.volume.ImportEnd', 'private', 'nearly', 'ProtocolError'],
    ['qubes.NotifyUpdates', '', ' 7\n', 'ok'],
    ['qubes.NotifyUpdates', '', 'many', 'ProtocolError'],
    ['mgmt.Events', 'domain-*', '', 'ok'],
    ['mgmt.Events', '*-add', '', 'ProtocolError'],
    ['mgmt.vm.Clone', '', 'name=copy', 'ok'],
    ['mgmt.vm.Clone', '', 'name=copy label=red', 'ProtocolError'],
    ['mgmt.vm.CreateTemplate', 'none', '', 'QubesValueError'],
  ])('%s+%s with %j: %s', (name, argument, payload, expected) => {
    expect(verdict(name, argument, payload)).toBe(expected)
  })
})

describe('notes', () => {
  const clean = (bytes: Uint8Array): unknown => call('admin.vm.notes.Set').dialect.payload.decode(bytes)

  it.each([
    ['two\nlines\n\ttab\n', 'two\nlines\n\ttab\n'],
    ['zażółć gęślą', 'zażółć gęślą'],
    ['bad\u0001control', 'bad_control'],
    ['a\u202eb\r\nc', 'a_b_\nc'],
  ])('%j are kept as %j', (text, kept) => {
    expect(clean(utf8(text))).toBe(kept)
  })

  it('are UTF-8 of at most 256000 bytes', () => {
    expect(verdict('admin.vm.notes.Set', '', Uint8Array.of(0xff, 0xfe))).toBe('ProtocolError')
    expect(verdict('admin.vm.notes.Set', '', 'x'.repeat(256_000))).toBe('ok')
    expect(verdict('admin.vm.notes.Set', '', 'x'.repeat(256_001))).toBe('ProtocolError')
  })
})

describe('the first line of a streamed payload', () => {
  async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield utf8(text)
  }
  async function cut(...texts: string[]): Promise<[string | undefined, string]> {
    const { line, rest } = await takeFirstLine(pieces(...texts), 8)
    let data = ''
    for await (const chunk of rest) data += utf8Text(chunk)
    return [line.parse(utf8Text), data]
  }

  it('is cut off wherever the pieces end', async () => {
    expect(await cut('42\ndata\n', 'more')).toEqual(['42', 'data\nmore'])
    expect(await cut('4', '2', '\n', 'data')).toEqual(['42', 'data'])
    expect(await cut('\n')).toEqual(['', ''])
    expect(await cut('12345678\nx')).toEqual(['12345678', 'x'])
  })

  it.each([[['42']], [[]], [['123456789\n']], [['12345', '6789']]])('must be there in time: %j', async (texts) => {
    await expect(cut(...texts)).rejects.toMatchObject({ wireType: 'ProtocolError' })
  })

  it('lets go of the stream when nobody wants the rest', async () => {
    const stream = pieces('a\n', 'b', 'c')
    const { rest } = await takeFirstLine(stream)
    for await (const _ of rest) break
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a message about what was sent', () => {
  it('repeats no more than the beginning of it', () => {
    const long = utf8('\u0001'.repeat(60_000))
    for (const name of ['admin.vm.firewall.Set', 'admin.pool.Add', 'admin.vm.Create.AppVM', 'admin.label.Create']) {
      try {
        call(name).dialect.payload.decode(long)
      } catch (error) {
        expect(error).toBeInstanceOf(CloisterError)
        expect(String(error).length).toBeLessThan(1000)
        continue
      }
      throw new Error(`${name} takes anything`)
    }
  })
})
