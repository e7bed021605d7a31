import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { Connection, type DomainLifecycleEvent } from './connection.ts'
import type { Driver } from './driver.ts'
import { TestDriver } from './drivers/test/test-driver.ts'
import { LibvirtError } from './error.ts'

const environment = { os: nodeOs() }
const work =
  "<domain type='test'><name>work</name><memory>1000</memory><os><type>hvm</type></os><devices><console type='pty'/></devices></domain>"

describe('Connection.open', () => {
  it('finds the driver of a URI', async () => {
    await using connection = await Connection.open('TEST:///empty', environment)
    expect(connection.getType()).toBe('TEST')
    expect(connection.getURI()).toBe('test:///empty')
    expect(await connection.listAllDomains()).toEqual([])
  })

  it('starts test:///default with its domain, each time anew', async () => {
    await using one = await Connection.open('test:///default', environment)
    await using other = await Connection.open('test:///default', environment)
    await (await one.lookupDomainByName('test')).destroy()
    expect(await (await other.lookupDomainByID(1)).isActive()).toBe(true)
  })

  it.each([
    ['test', 8, 'cannot read the URI'],
    ['test:///nowhere', 8, 'test:///default or test:///empty'],
    ['test:///', 8, 'test:///default or test:///empty'],
    ['test:///empty?a=b', 8, 'test:///default or test:///empty'],
    ['vbox:///session', 5, "no connection driver available for 'vbox:///session'"],
    ['qemu+ssh://h/system', 3, 'neither a transport nor a host'],
    ['test://h/default', 3, 'neither a transport nor a host'],
    ['qemu+unix:///system', 3, 'neither a transport nor a host'],
  ])('refuses %s', async (uri, code, text) => {
    const refusal = Connection.open(uri, environment)
    await expect(refusal).rejects.toMatchObject({ name: 'LibvirtError', code })
    await expect(refusal).rejects.toThrow(text)
  })
})

describe('Connection', () => {
  it('leads a domain through its life and tells of it', async () => {
    await using connection = await Connection.open('test:///empty', environment)
    const events: DomainLifecycleEvent[] = []
    const subscription = await connection.on('lifecycle', (event) => events.push(event))
    const domain = await connection.defineDomain(work)
    await domain.create({ paused: true })
    await domain.resume()
    subscription.close()
    await domain.destroy()
    expect(events.map(({ domain: { name, id }, event, detail }) => [name, id, event, detail])).toEqual([
      ['work', -1, 'defined', 0],
      ['work', 1, 'started', 0],
      ['work', 1, 'suspended', 0],
      ['work', 1, 'resumed', 0],
    ])
    expect(await events[0]?.domain.isActive()).toBe(false)
  })

  it('can be made over a driver that is open already', async () => {
    const driver = new TestDriver('test:///empty', environment)
    await using connection = new Connection(driver)
    const domain = await connection.createDomain(work, { paused: true })
    driver.externalResume(domain.uuid)
    expect((await domain.getState()).state).toBe('running')
  })

  it('asks the driver', async () => {
    await using connection = await Connection.open('test:///default', environment)
    expect(await connection.getVersion()).toBe(2)
    expect(await connection.getHostname()).toBe(environment.os.host.name)
    expect((await connection.getCapabilities()).domainType).toBe('test')
    const [domain] = await connection.listAllDomains({ active: true })
    expect((await connection.lookupDomainByUUID('6695eb01f6a4830479aa97f2502e193f')).name).toBe(domain?.name)
  })

  it('answers nothing any more once it is closed', async () => {
    const connection = await Connection.open('test:///default', environment)
    const domain = await connection.lookupDomainByName('test')
    await connection.close()
    await connection.close()
    await expect(connection.listAllDomains()).rejects.toMatchObject({ code: 6 })
    await expect(domain.getState()).rejects.toMatchObject({ code: 6 })
    expect(() => connection.getURI()).toThrow('invalid connection pointer')
  })
})

describe('Domain', () => {
  it('follows its id', async () => {
    await using connection = await Connection.open('test:///empty', environment)
    const domain = await connection.defineDomain(work)
    const other = await connection.lookupDomainByUUID(domain.uuid)
    await domain.create()
    expect([domain.id, other.id]).toEqual([1, -1])
    expect(await other.isActive()).toBe(true)
    expect(other.id).toBe(1)
    await domain.destroy()
    expect(domain.id).toBe(-1)
  })

  it('has the verbs of libvirt', async () => {
    await using connection = await Connection.open('test:///empty', environment)
    const domain = await connection.defineDomain(work)
    await domain.create()
    await domain.suspend()
    await domain.resume()
    await domain.setMemory(500)
    expect((await domain.getInfo()).memory).toBe(500)
    expect(await domain.getXMLDesc()).toContain(`id='${domain.id}'`)
    expect(await domain.getXMLDesc({ inactive: true })).not.toContain('id=')
    await expect(domain.blockResize('vda', 1n)).rejects.toMatchObject({ code: 8 })
    await expect(domain.pmSuspend()).rejects.toMatchObject({ code: 3 })
    await expect(domain.pmWakeup()).rejects.toMatchObject({ code: 3 })
    const console = await domain.openConsole('serial0')
    console.close()
    await domain.undefine()
    expect(await domain.isPersistent()).toBe(false)
    const stopped = Promise.withResolvers<DomainLifecycleEvent>()
    await connection.on('lifecycle', stopped.resolve)
    await domain.shutdown()
    expect((await stopped.promise).event).toBe('stopped')
    await expect(domain.isActive()).rejects.toMatchObject({ code: 42 })
  })
})

describe('a connection that is lost', () => {
  it('says why, and answers no call any more, also none that waits', async () => {
    const driver = new TestDriver('test:///default', environment)
    const connection = new Connection(driver)
    const domain = await connection.defineDomain(work)
    const events: DomainLifecycleEvent[] = []
    await connection.on('lifecycle', (event) => events.push(event))
    const held = driver.holdNext('domainCreate')
    const start = domain.create()
    await held.reached
    const lost = new LibvirtError('RPC', 'the daemon closed the connection')
    driver.loseConnection(lost)
    expect(await connection.closed).toBe(lost)
    await expect(start).rejects.toBe(lost)
    await expect(connection.listAllDomains()).rejects.toBe(lost)
    held.release()
    expect(events).toEqual([])
    await connection.close()
  })

  it('is not one that was closed', async () => {
    const connection = new Connection(new TestDriver('test:///empty', environment))
    await connection.close()
    expect(await Promise.race([connection.closed, Promise.resolve('open')])).toBe('open')
  })
})

describe('what only some drivers can do', () => {
  it('is refused where the driver cannot', async () => {
    await using connection = await Connection.open('test:///empty', environment)
    const domain = await connection.defineDomain(work)
    const calls = {
      virConnectListAllNetworks: () => connection.listAllNetworks(),
      virNetworkLookupByName: () => connection.lookupNetworkByName('default'),
      virConnectListAllStoragePools: () => connection.listAllStoragePools(),
      virStoragePoolLookupByName: () => connection.lookupStoragePoolByName('default'),
      virDomainAttachDeviceFlags: () => domain.attachDevice('<disk/>'),
      virDomainDetachDeviceFlags: () => domain.detachDevice('<disk/>'),
      virDomainOpenChannel: () => domain.openChannel(),
    }
    for (const [api, call] of Object.entries(calls)) {
      await expect(call()).rejects.toMatchObject({ kind: 'NO_SUPPORT', str2: api })
    }
  })

  it('is passed to a driver that can', async () => {
    const attached: unknown[] = []
    const driver: Driver = Object.assign(new TestDriver('test:///empty', environment), {
      devices: {
        domainAttachDeviceFlags: async (...call: unknown[]) => void attached.push(call),
        domainDetachDeviceFlags: async (...call: unknown[]) => void attached.push(call),
      },
    })
    const domain = await new Connection(driver).defineDomain(work)
    await domain.attachDevice('<disk/>', { live: true })
    await domain.detachDevice('<disk/>')
    const handle = { name: 'work', uuid: domain.uuid, id: -1 }
    expect(attached).toEqual([
      [handle, '<disk/>', { live: true }],
      [handle, '<disk/>', {}],
    ])
  })

  it('may need time: a driver can register for events when a daemon has answered', async () => {
    const local = new TestDriver('test:///empty', environment)
    const driver: Driver = Object.assign(local as Driver, {
      connectDomainEventRegister: async (listener: Parameters<Driver['connectDomainEventRegister']>[0]) => {
        await Promise.resolve()
        return TestDriver.prototype.connectDomainEventRegister.call(local, listener)
      },
    })
    const connection = new Connection(driver)
    const events: string[] = []
    const subscription = await connection.on('lifecycle', ({ event }) => events.push(event))
    const domain = await connection.defineDomain(work)
    subscription.close()
    await domain.create()
    expect(events).toEqual(['defined'])
  })
})
