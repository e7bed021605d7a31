import {
  connectionEstablished,
  DaemonCommunicationError,
  encodeEvent,
  labelGet,
  poolVolumeImport,
  type QubesEvent,
  vmCreate,
  vmList,
  vmNotesGet,
  vmPropertyGet,
  vmVolumeSnapshot,
} from '@cloister/admin-protocol'
import * as kit from '@cloister/kit'
import {
  CloisterError,
  msg,
  PermissionDenied,
  ProtocolError,
  QubesException,
  QubesNoSuchPropertyError,
  QubesVMNotStartedError,
  utf8,
} from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { AdminClient } from './admin-client.ts'
import { DaemonAccessError, DaemonTimeoutError, errorFor } from './errors.ts'
import { collect, exception, ok, RecordedTransport } from './testing/recorded-transport.ts'
import type { Transport } from './transport.ts'

type Answers = ConstructorParameters<typeof RecordedTransport>[0]

function connect(answers: Answers): { client: AdminClient; sent: string[] } {
  const transport = new RecordedTransport(answers)
  return { client: new AdminClient(transport), sent: transport.sent }
}

async function* stream(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text)
}

describe('a call', () => {
  it('sends its parts and reads the reply', async () => {
    const { client, sent } = connect({ 'admin.label.Get': ok('0xcc0000') })
    expect(await client.call(labelGet, { argument: 'red' })).toBe('0xcc0000')
    expect(sent).toEqual(['admin.label.Get+red dom0 '])
  })

  it('speaks the dialect that is asked for', async () => {
    const { client, sent } = connect({ 'mgmt.vm.property.Get': ok('default=yes type=bool no') })
    const value = await client.call(vmPropertyGet, { dest: 'work', argument: 'debug', dialect: 'mgmt' })
    expect(value).toEqual({ isDefault: true, type: 'bool', value: 'False' })
    expect(sent).toEqual(['mgmt.vm.property.Get+debug work '])
  })

  it('speaks the only dialect that has it', async () => {
    const { client } = connect({ 'mgmt.vm.volume.Snapshot': ok('7') })
    expect(await client.call(vmVolumeSnapshot, { dest: 'work', argument: 'root' })).toBe('7')
    await expect(client.call(vmNotesGet, { dest: 'work', dialect: 'mgmt' })).rejects.toThrow(ProtocolError)
  })

  it('names its variant', async () => {
    const { client, sent } = connect({ 'admin.vm.Create.AppVM': ok('') })
    const payload = { name: 'w', label: 'red', pool: undefined, pools: new Map() }
    await client.call(vmCreate, { variant: 'AppVM', argument: 'debian', payload })
    expect(sent).toEqual(['admin.vm.Create.AppVM+debian dom0 name=w label=red'])
    await expect(client.call(vmCreate, { payload })).rejects.toThrow(ProtocolError)
  })

  it('puts the first line before a stream', async () => {
    const { client, sent } = connect({ 'mgmt.pool.volume.Import': ok('') })
    await client.call(poolVolumeImport, { argument: 'p', payload: 'appvms/w/root', stream: stream('da', 'ta') })
    expect(sent).toEqual(['mgmt.pool.volume.Import+p dom0 appvms/w/root\ndata'])
    await expect(client.call(poolVolumeImport, { argument: 'p', payload: 'v' })).rejects.toThrow(ProtocolError)
  })

  it('reads a reply that comes in pieces', async () => {
    const { client } = connect({ 'admin.label.Get': [utf8('0'), utf8('\x000xcc'), utf8('0000')] })
    expect(await client.call(labelGet, { argument: 'red' })).toBe('0xcc0000')
  })

  it('takes in no more of a reply than it wants', async () => {
    const transport = new RecordedTransport({ 'admin.vm.List': ok('x'.repeat(100)) })
    const client = new AdminClient(transport, { replyLimit: 64 })
    await expect(client.call(vmList, {})).rejects.toThrow(/longer than 64 bytes/)
  })

  it('is given up after its time', async () => {
    const never: Transport = {
      async *exchange(_, signal) {
        await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const client = new AdminClient(never)
    await expect(client.call(vmList, { timeout: 5 })).rejects.toThrow(DaemonTimeoutError)
    const controller = new AbortController()
    const call = client.call(vmList, { timeout: 60_000, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })
})

/** Never run: the compiler checks that a call gets what it needs and nothing else. */
export async function typesOf(client: AdminClient): Promise<void> {
  // @ts-expect-error the argument is missing
  await client.call(labelGet, {})
  // @ts-expect-error it takes no payload
  await client.call(labelGet, { argument: 'red', payload: 'x' })
  // @ts-expect-error a label is named by a text
  await client.call(labelGet, { argument: 1 })
  // @ts-expect-error the reply is a text
  const wrong: number = await client.call(labelGet, { argument: 'red' })
  expect(wrong).toBe(0)
}

describe('problems', () => {
  it('are what the daemon lists', async () => {
    const { client, sent } = connect({ 'cloister.Problems': ok('system  has a\\nb\nkernel 6.1 cannot be used\n') })
    expect(await client.problems()).toEqual([
      { kind: 'system', name: '', reason: 'has a\nb' },
      { kind: 'kernel', name: '6.1', reason: 'cannot be used' },
    ])
    expect(sent).toEqual(['cloister.Problems+ dom0 '])
  })

  it.each([
    ['an empty reply', []],
    ['ProtocolError', exception('ProtocolError', msg`There is no call ${'cloister.Problems'}`)],
    ['QubesNotImplementedError', exception('QubesNotImplementedError', msg`not yet`)],
  ])('are not known of a daemon that answers with %s', async (_, answer) => {
    const { client } = connect({ 'cloister.Problems': answer })
    expect(await client.problems()).toBeUndefined()
  })

  it('throw what else goes wrong', async () => {
    const failing = connect({ 'cloister.Problems': exception('QubesException', msg`an incident`) })
    await expect(failing.client.problems()).rejects.toThrow('an incident')
    const broken = connect({ 'cloister.Problems': ok('weather work is bad\n') })
    await expect(broken.client.problems()).rejects.toThrow(DaemonCommunicationError)
  })
})

describe('an error', () => {
  it('is of the class that the daemon named, with its text', async () => {
    const { client } = connect({
      'admin.vm.property.Get': exception('QubesNoSuchPropertyError', msg`no property ${'x'} on 100% of ${'work'}`),
    })
    const call = client.call(vmPropertyGet, { dest: 'work', argument: 'x' })
    await expect(call).rejects.toThrow(QubesNoSuchPropertyError)
    await expect(call).rejects.toThrow('no property x on 100% of work')
  })

  it('is a QubesException when its type is not known', async () => {
    const { client } = connect({ 'admin.vm.List': exception('DeviceNotAssigned', msg`not there`) })
    await expect(client.call(vmList, {})).rejects.toThrow(QubesException)
  })

  it('is a DaemonAccessError when there is no answer', async () => {
    const { client } = connect({})
    await expect(client.call(vmList, {})).rejects.toThrow(DaemonAccessError)
  })

  it.each([['1\0\0e\0\0'], ['0'], ['hello']])('is a DaemonCommunicationError when the answer is %j', async (bytes) => {
    const { client } = connect({ 'admin.vm.List': [utf8(bytes)] })
    await expect(client.call(vmList, {})).rejects.toThrow(DaemonCommunicationError)
  })

  it('is a DaemonCommunicationError when the content is not that of the call', async () => {
    const { client } = connect({ 'admin.label.Get': ok('red') })
    await expect(client.call(labelGet, { argument: 'red' })).rejects.toThrow(DaemonCommunicationError)
  })

  it('has its class for every type that the kit has', () => {
    const isWireError = (value: unknown): value is typeof CloisterError =>
      typeof value === 'function' && value.prototype instanceof CloisterError && Object.hasOwn(value, 'wireType')
    const known = Object.values(kit).filter(isWireError)
    expect(known).toContain(PermissionDenied)
    for (const { wireType } of known) {
      expect(errorFor({ type: wireType, message: msg`x`, traceback: '' })).toMatchObject({ wireType })
    }
  })
})

describe('events', () => {
  const added: QubesEvent = { subject: '', name: 'domain-add', pairs: [['vm', 'work']] }

  it('come as they happen, until the daemon ends them', async () => {
    const { client, sent } = connect({ 'admin.Events': [connectionEstablished, added].map(encodeEvent) })
    const seen: QubesEvent[] = []
    const reading = async (): Promise<void> => {
      for await (const event of client.events()) seen.push(event)
    }
    await expect(reading()).rejects.toThrow(DaemonCommunicationError)
    expect(seen).toEqual([connectionEstablished, added])
    expect(sent).toEqual(['admin.Events+ dom0 '])
  })

  it('can be narrowed down, and left', async () => {
    const { client, sent } = connect({ 'mgmt.Events': [encodeEvent(connectionEstablished)] })
    for await (const _ of client.domain('work').events({ pattern: 'domain-*' })) break
    expect(sent).toEqual(['mgmt.Events+domain-* work '])
  })

  it('may be refused', async () => {
    const { client } = connect({ 'admin.vm.Stats': exception('QubesVMNotFoundError', msg`no such domain`) })
    await expect(collect(client.events())).rejects.toThrow(DaemonAccessError)
    await expect(collect(client.stats())).rejects.toMatchObject({ wireType: 'QubesVMNotFoundError' })
  })
})

describe('domains', () => {
  it('are listed, made, started', async () => {
    const { client, sent } = connect({
      'admin.vm.List': ok('dom0 class=AdminVM state=Running uuid=0\nwork class=AppVM state=Halted uuid=1\n'),
      'admin.vm.Create.AppVM': ok(''),
      'admin.vm.CreateInPool.StandaloneVM': ok(''),
      'admin.vm.CreateDisposable': ok('disp7'),
      'admin.vm.Start': ok(''),
    })
    expect((await client.domains.list()).map(({ name }) => name)).toEqual(['dom0', 'work'])
    const mail = await client.domains.create({ name: 'mail', label: 'red', klass: 'AppVM', template: 'debian' })
    await mail.start()
    await client.domains.create({ name: 'box', label: 'red', klass: 'StandaloneVM', pool: new Map([['root', 'fast']]) })
    expect((await client.domains.createDisposable('work')).name).toBe('disp7')
    expect(sent).toEqual([
      'admin.vm.List+ dom0 ',
      'admin.vm.Create.AppVM+debian dom0 name=mail label=red',
      'admin.vm.Start+ mail ',
      'admin.vm.CreateInPool.StandaloneVM+ dom0 name=box label=red pool:root=fast',
      'admin.vm.CreateDisposable+ work ',
    ])
  })

  it('do what a domain does', async () => {
    const { client, sent } = connect({
      'admin.vm.Shutdown': exception('QubesVMNotStartedError', msg`halted`),
      'admin.vm.feature.Get': exception('QubesFeatureNotFoundError', msg`not set`),
      'admin.vm.property.Set': ok(''),
      'admin.vm.volume.ImportWithSize': ok(''),
      'mgmt.vm.Clone': ok(''),
    })
    const work = client.domain('work')
    await expect(work.shutdown({ wait: true })).rejects.toThrow(QubesVMNotStartedError)
    expect(await work.feature('gui')).toBeUndefined()
    await work.setProperty('netvm', '')
    await work.importVolume('root', stream('abc'), { size: 3n })
    expect((await work.clone('copy')).name).toBe('copy')
    expect(sent).toEqual([
      'admin.vm.Shutdown+wait work ',
      'admin.vm.feature.Get+gui work ',
      'admin.vm.property.Set+netvm work ',
      'admin.vm.volume.ImportWithSize+root work 3\nabc',
      'mgmt.vm.Clone+ work name=copy',
    ])
  })
})
