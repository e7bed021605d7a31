import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setProperty } from '../../operations/properties.ts'
import { TestSystem } from '../../testing/test-system.ts'
import type { QubesVM } from '../qubes-vm.ts'
import type { TemplateVM } from '../template-vm.ts'
import { kernelCommandLine } from './kernel-options.ts'
import { kernelopts } from './kernel-properties.ts'

let system: TestSystem
let template: TemplateVM
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  template = await system.create('TemplateVM', 'debian')
  vm = await system.create('AppVM', 'work', template)
})
afterEach(() => system[Symbol.asyncDispose]())

/** Puts a file into the folder of the kernel, as its package does. */
async function kernelFile(name: string, text: string): Promise<void> {
  await writeFile(join(system.folder, 'kernels', '6.1.0', name), text)
  await system.app.kernels.refresh('6.1.0')
}

const set = (owner: QubesVM, name: string, text: string): Promise<void> => setProperty(owner, name, text)
const builtIn = 'root=/dev/vda ro console=ttyS0'
const mode = { 'boot-mode.active': 'safe', 'boot-mode.kernelopts.safe': 'single' }

describe('the command line', () => {
  it.each([
    ['is built in', {}, `${builtIn} swiotlb=2048`],
    ['names the machine for Linux', { os: 'Linux' }, `systemd.machine_id=<id> ${builtIn} swiotlb=2048`],
    ['does not name it for other systems', { os: 'BSD' }, `${builtIn} swiotlb=2048`],
    ['switches AppArmor on', { apparmor: '1' }, `${builtIn} swiotlb=2048 apparmor=1 security=apparmor`],
    ['switches SELinux on', { selinux: '1' }, `${builtIn} swiotlb=2048 selinux=1 security=selinux`],
    ['prefers AppArmor', { selinux: '1', apparmor: '1' }, `${builtIn} swiotlb=2048 apparmor=1 security=apparmor`],
    ['switches nothing on for another value', { apparmor: 'yes', selinux: '' }, `${builtIn} swiotlb=2048`],
    ['ends with the boot mode', { ...mode, selinux: '1' }, `${builtIn} swiotlb=2048 selinux=1 security=selinux single`],
    ['knows no boot mode that is not offered', { 'boot-mode.active': 'safe' }, `${builtIn} swiotlb=2048`],
    [
      'has nothing by default, if that is wanted',
      { ...mode, os: 'Linux', apparmor: '1', 'no-default-kernelopts': '1' },
      'swiotlb=2048 single',
    ],
  ])('%s', async (_case, features, wanted) => {
    await system.features(vm, features)
    expect(kernelCommandLine(vm)).toBe(wanted.replace('<id>', vm.uuid.replaceAll('-', '')))
  })

  it('follows features of the template', async () => {
    await system.features(template, { os: 'Linux', selinux: '1', 'boot-mode.kernelopts.safe': 'single' })
    await set(template, 'appvm_default_bootmode', 'safe')
    const id = vm.uuid.replaceAll('-', '')
    expect(kernelCommandLine(vm)).toBe(
      `systemd.machine_id=${id} ${builtIn} swiotlb=2048 selinux=1 security=selinux single`,
    )
  })

  it('begins as the kernel says', async () => {
    await kernelFile('default-kernelopts-common.txt', 'root=LABEL=x nomodeset console=hvc0\n')
    expect(kernelCommandLine(vm)).toBe('root=LABEL=x nomodeset console=hvc0 swiotlb=2048')
    await system.features(vm, { 'no-nomodeset': '1' })
    expect(kernelCommandLine(vm)).toBe('root=LABEL=x console=hvc0 swiotlb=2048')
  })
})

describe('kernelopts by default', () => {
  it('are what the kernel says, for guests without PCI devices', async () => {
    await kernelFile('default-kernelopts-nopci.txt', 'quiet\n')
    expect(template.get(kernelopts)).toBe('quiet')
    expect(vm.get(kernelopts)).toBe('quiet')
  })

  it('are those of the template', async () => {
    await set(template, 'kernelopts', 'debug')
    expect(vm.get(kernelopts)).toBe('debug')
    await set(vm, 'kernelopts', 'own')
    expect(kernelCommandLine(vm)).toBe(`${builtIn} own`)
  })

  it('are none without a kernel', async () => {
    await set(vm, 'kernel', '')
    expect(vm.get(kernelopts)).toBe('')
  })
})
