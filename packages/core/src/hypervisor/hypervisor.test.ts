import { Connection, type Driver, type DriverCapabilities, LibvirtError, TestDriver } from '@cloister/libvirt'
import { nodeOs } from '@cloister/os'
import { expect, it } from 'vitest'
import { domainXmlOf } from './domain-types.ts'
import { Hypervisor } from './hypervisor.ts'

const environment = { os: nodeOs() }

it('tells that the connection to the hypervisor is lost', async () => {
  const driver = new TestDriver('test:///empty', environment)
  const hypervisor = await Hypervisor.open(new Connection(driver))
  const told = Promise.withResolvers<Error>()
  hypervisor.watch({ lost: told.resolve, back: async () => {} })
  const lost = new LibvirtError('RPC', 'the daemon closed the connection')
  driver.loseConnection(lost)
  expect(await told.promise).toBe(lost)
})

it.each(['kvm', 'qemu', 'test'])('has configurations of domains of the type %s', async (domainType) => {
  const capabilities = await new TestDriver('test:///empty', environment).connectGetCapabilities()
  expect(domainXmlOf({ ...capabilities, domainType })).toBeTypeOf('function')
})

it('refuses a hypervisor that runs domains of another type', async () => {
  const local = new TestDriver('test:///empty', environment)
  const capabilities: DriverCapabilities = { ...(await local.connectGetCapabilities()), domainType: 'lxc' }
  const driver: Driver = Object.assign(local, { connectGetCapabilities: async () => capabilities })
  await expect(Hypervisor.open(new Connection(driver))).rejects.toThrow(/domains of the type 'lxc'/)
})
