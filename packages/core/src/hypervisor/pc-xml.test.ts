import { formatXml } from '@cloister/kit'
import { parseDomainXml, TestDriver } from '@cloister/libvirt'
import { nodeOs } from '@cloister/os'
import type { BlockDevice } from '@cloister/storage'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'
import { pcXml } from './pc-xml.ts'

let system: TestSystem
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('StandaloneVM', 'work')
})
afterEach(() => system[Symbol.asyncDispose]())

it('names every image behind a disk, and ends the chain', async () => {
  const os = nodeOs()
  const capabilities = await new TestDriver('test:///empty', { os }).connectGetCapabilities()
  const file = { kind: 'file', rw: false, disposable: true } as const
  const base: BlockDevice = { ...file, path: '/pool/base.img', format: 'raw' }
  const middle: BlockDevice = { ...file, path: '/pool/middle.qcow2', format: 'qcow2', backing: base }
  const devices: BlockDevice[] = [
    { ...file, rw: true, path: '/pool/top.qcow2', format: 'qcow2', backing: middle },
    { ...base, kind: 'block', path: '/dev/vg/private' },
  ]
  const disks = devices.map((device, position) => ({ role: `disk${position}`, position, device }))
  const text = formatXml(pcXml(vm, { disks, interfaces: [] }, capabilities, undefined))
  const source = (path: string): { kind: string; path: string } => ({ kind: 'file', path })
  expect(parseDomainXml(text, os.host).devices.disks).toMatchObject([
    {
      source: source('/pool/top.qcow2'),
      format: 'qcow2',
      backing: {
        source: source('/pool/middle.qcow2'),
        format: 'qcow2',
        backing: { source: source('/pool/base.img'), format: 'raw', backing: null },
      },
    },
    { source: { kind: 'block', path: '/dev/vg/private' }, backing: null },
  ])
})
