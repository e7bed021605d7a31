import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KernelModules } from './kernel-modules.ts'

const { processes } = nodeOs()
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modules-'))
  await mkdir(join(folder, 'kernel/drivers'), { recursive: true })
  await writeFile(join(folder, 'modules.builtin'), 'kernel/fs/ext4/ext4.ko\nkernel/lib/crc-16.ko\n')
})
afterEach(() => rm(folder, { recursive: true }))

function module(...needs: string[]): Buffer {
  return Buffer.from(`\x7fELF…\0license=GPL\0depends=${needs.join(',')}\0retpoline=Y\0`)
}

async function addFile(name: string, content: Uint8Array): Promise<void> {
  await writeFile(join(folder, 'kernel/drivers', name), content)
}

async function orderOf(...names: string[]): Promise<string[]> {
  const modules = await (await KernelModules.open(folder, processes)).inLoadingOrder(names)
  return modules.map(({ name }) => name)
}

describe('KernelModules', () => {
  it('puts each module after what it needs, once', async () => {
    await addFile('virtio_blk.ko', module('virtio', 'virtio_ring'))
    await addFile('virtio_pci.ko', module('virtio', 'crc-16'))
    await addFile('virtio.ko', module('virtio_ring'))
    await addFile('virtio_ring.ko', module())
    expect(await orderOf('virtio_blk', 'virtio_pci', 'ext4')).toEqual([
      'virtio_ring',
      'virtio',
      'virtio_blk',
      'virtio_pci',
    ])
  })

  it('reads compressed modules', async () => {
    const xz = await processes.run(['xz', '-c'], { input: module() })
    await addFile('one.ko.zst', zstdCompressSync(module('two')))
    await addFile('two.ko.gz', gzipSync(module('three')))
    await addFile('three.ko.xz', xz.stdout)
    expect(await orderOf('one')).toEqual(['three', 'two', 'one'])
  })

  it('takes dashes and underscores for the same', async () => {
    await addFile('virtio-rng.ko', module())
    expect(await orderOf('virtio_rng')).toEqual(['virtio_rng'])
  })

  it('says which module is missing', async () => {
    await addFile('one.ko', module('two'))
    await expect(orderOf('one')).rejects.toThrow('The kernel has no module two')
  })
})
