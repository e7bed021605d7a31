import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { QubesNotImplementedError, QubesValueError, StoragePoolException, utf8 } from '@cloister/kit'
import { ModelledOs, nodeOs } from '@cloister/os'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPool } from '../../pool-drivers.ts'
import { ImageFixture } from '../../testing/image-fixture.ts'
import { modelledPlace } from '../../testing/place.ts'
import type { Volume, VolumeConfig } from '../../volume.ts'
import { supported } from '../../volume.ts'
import { compareVersions, installedKernels, kernelFiles } from './kernels.ts'

const dirPath = '/kernels'

async function machine(kernels: Record<string, Record<string, string>>) {
  const os = new ModelledOs({ folders: [dirPath, '/pools'] })
  for (const [kernel, files] of Object.entries(kernels)) {
    await os.files.makeFolder(`${dirPath}/${kernel}`, 0o755)
    for (const [name, text] of Object.entries(files)) {
      await os.files.create(`${dirPath}/${kernel}/${name}`, { data: utf8(text) })
    }
  }
  const pool = createPool('linux-kernel', 'linux-kernel', { dir_path: dirPath }, os)
  const init = (vid: string, config: Partial<VolumeConfig> = {}): Volume =>
    pool.initVolume({ name: 'kernel', vid, rw: false, snapOnStart: false, saveOnStop: false, ...config })
  return { os, pool, init }
}

const whole = { vmlinuz: 'k', initramfs: 'i', 'modules.img': 'modules' }

describe('files of a kernel that a user has edited', () => {
  const options = 'default-kernelopts-common.txt'

  it.each<[string, (folder: string) => Promise<unknown>, string]>([
    [
      '5,000 bytes',
      (folder) => writeFile(`${folder}/${options}`, 'x'.repeat(5000)),
      'has 5000 bytes: it may have at most 4096',
    ],
    ['two lines', (folder) => writeFile(`${folder}/${options}`, 'a=1\nb=2\n'), 'must be one line of printable ASCII'],
    ['no UTF-8', (folder) => writeFile(`${folder}/${options}`, Uint8Array.of(0xff, 0xfe)), 'must be one line'],
    ['a folder', (folder) => mkdir(`${folder}/${options}`), 'is no regular file'],
    ['a pipe', (folder) => nodeOs().processes.run(['mkfifo', `${folder}/${options}`]), 'is no regular file'],
    ['a socket', (folder) => listenOn(`${folder}/${options}`), 'is no regular file'],
    ['a link to a folder', (folder) => symlink('/etc', `${folder}/${options}`), 'is no regular file'],
    [
      'a link to nothing',
      (folder) => symlink('/nowhere', `${folder}/${options}`),
      'cannot be read: there is no such file or folder',
    ],
  ])('make that kernel unusable, with the name of the file: %s', async (_what, make, reason) => {
    const folder = await mkdtemp('/tmp/cloister-kernels-')
    try {
      await mkdir(`${folder}/6.1`)
      await writeFile(`${folder}/6.1/vmlinuz`, 'k')
      await make(`${folder}/6.1`)
      const files = kernelFiles(nodeOs().files, folder, '6.1')
      await expect(files).rejects.toThrow(StoragePoolException)
      await expect(files).rejects.toThrow(`The file ${folder}/6.1/${options}`)
      await expect(files).rejects.toThrow(reason)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('may be links', async () => {
    const folder = await mkdtemp('/tmp/cloister-kernels-')
    try {
      await mkdir(`${folder}/6.1`)
      await writeFile(`${folder}/image`, 'k')
      await writeFile(`${folder}/text`, 'a=1\n')
      await symlink(`${folder}/image`, `${folder}/6.1/vmlinuz`)
      await symlink(`${folder}/text`, `${folder}/6.1/${options}`)
      const { defaultOptions } = await kernelFiles(nodeOs().files, folder, '6.1')
      expect(defaultOptions.common).toBe('a=1')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Makes a socket that stays when the server ends. */
async function listenOn(path: string): Promise<void> {
  const server = createServer()
  server.listen(`${path}-made`)
  await once(server, 'listening')
  await rename(`${path}-made`, path)
  server.close()
}

describe('driver linux-kernel', () => {
  it('46: the disk follows the kernel; there is none without modules or without a kernel', async () => {
    const { init } = await machine({ '6.12.0-1': whole, '6.6.1-1': { vmlinuz: 'k' } })
    expect(await init('6.12.0-1').blockDevice()).toEqual({
      path: '/kernels/6.12.0-1/modules.img',
      format: 'raw',
      kind: 'file',
      rw: false,
      disposable: false,
    })
    expect(await init('6.6.1-1').blockDevice()).toBeUndefined()
    expect(await init('').blockDevice()).toBeUndefined()
    expect([init('').path, init('').vid]).toEqual(['', ''])
    expect(init('6.12.0-1')).toBe(init('6.12.0-1'))
  })

  it('46: verify misses a kernel that is not installed', async () => {
    const { init } = await machine({ '6.12.0-1': whole, '6.6.1-1': { initramfs: 'i' } })
    await init('6.12.0-1').verify()
    await init('').verify()
    await expect(init('6.6.1-1').verify()).rejects.toThrow('Missing file: /kernels/6.6.1-1/vmlinuz')
    await expect(init('5.10').verify()).rejects.toThrow('Missing file: /kernels/5.10/vmlinuz')
  })

  it('47: takes nothing but a read-only volatile volume', async () => {
    const { pool, init } = await machine({ '6.12.0-1': whole })
    const volume = init('6.12.0-1')
    const changes: [keyof VolumeConfig, unknown][] = [
      ['rw', true],
      ['revisionsToKeep', 1],
      ['ephemeral', true],
    ]
    for (const [key, value] of changes) {
      expect(() => Object.assign(volume, { [key]: value })).toThrow(QubesValueError)
      expect(() => init('6.12.0-1', { [key]: value })).toThrow('The modules of a kernel')
    }
    expect(() => init('6.12.0-1', { saveOnStop: true })).toThrow(QubesNotImplementedError)
    expect(() => init('6.12.0-1', { snapOnStart: true, source: volume })).toThrow(QubesNotImplementedError)
    Object.assign(volume, { rw: false, revisionsToKeep: 0, ephemeral: false })
    expect(volume.config()).toEqual({
      name: 'kernel',
      vid: '6.12.0-1',
      rw: false,
      snapOnStart: false,
      saveOnStop: false,
      revisionsToKeep: 0,
    })
    expect(() => {
      pool.revisionsToKeep = 1
    }).toThrow(QubesValueError)
    expect(() => {
      pool.ephemeralVolatile = true
    }).toThrow(QubesValueError)
    for (const vid of ['..', '.', 'a/b', '../../etc', '-x', 'a\nb'])
      expect(() => init(vid)).toThrow('Invalid name of a kernel')
  })

  it('is not changed by anything', async () => {
    const { os, init } = await machine({ '6.12.0-1': whole })
    const volume = init('6.12.0-1')
    const before = os.files.faults.trace.length
    for (const work of ['create', 'start', 'stop', 'remove'] as const) await volume[work]()
    expect(os.files.faults.trace).toHaveLength(before)
    expect([await volume.isDirty(), await volume.isOutdated(), await volume.revisions()]).toEqual([false, false, []])
    await expect(volume.resize(1n)).rejects.toThrow(QubesNotImplementedError)
    for (const name of ['revert', 'snapshot', 'importData', 'importDataEnd'] as const) {
      expect(() => supported(volume, name)).toThrow(QubesNotImplementedError)
    }
    expect([await volume.size(), await volume.usage()]).toEqual([7n, 4096n])
    expect([await init('').size(), await init('').usage()]).toEqual([0n, 0n])
  })

  it('can be cloned from another kernel only, and exported', async () => {
    const { init } = await machine({ '6.12.0-1': whole, '6.6.1-1': { vmlinuz: 'k' } })
    const at = await ImageFixture.make(modelledPlace())
    await init('6.12.0-1').importVolume(init('6.6.1-1'))
    await expect(init('6.12.0-1').importVolume(at.origin())).rejects.toThrow(
      'cannot be replaced by the content of volume appvms/work/private',
    )
    expect(await init('6.12.0-1').export()).toBe('/kernels/6.12.0-1/modules.img')
    await expect(init('6.6.1-1').export()).rejects.toThrow('has no modules.img')
  })

  it('the pool lists what is installed and knows no usage', async () => {
    const { pool, init } = await machine({ '6.6.1-1': whole, '6.12.0-1': whole, empty: {} })
    const used = init('6.6.1-1')
    expect((await pool.listVolumes()).map(({ vid }) => vid)).toEqual(['6.12.0-1', '6.6.1-1'])
    expect(pool.getVolume('6.6.1-1')).toBe(used)
    expect(() => pool.getVolume('5.10')).toThrow('has no volume')
    expect(await pool.usageDetails()).toEqual({})
    expect(pool.config()).toEqual({ name: 'linux-kernel', driver: 'linux-kernel', dir_path: dirPath })
    await pool.setup()
    await pool.open()
    await pool.close()
  })
})

describe('installed kernels', () => {
  it('are known by their files and options', async () => {
    const options = { 'default-kernelopts-common.txt': 'quiet nosmt\n', 'default-kernelopts-pci.txt': 'iommu=soft\n' }
    const { os } = await machine({
      '6.12': { ...whole, ...options, 'memory-hotplug-supported': '' },
      '6.6': { vmlinuz: 'k' },
    })
    expect(await kernelFiles(os.files, dirPath, '6.12')).toEqual({
      vmlinuz: '/kernels/6.12/vmlinuz',
      initramfs: '/kernels/6.12/initramfs',
      modules: '/kernels/6.12/modules.img',
      defaultOptions: { common: 'quiet nosmt', pci: 'iommu=soft', nopci: undefined },
      memoryHotplug: true,
    })
    expect(await kernelFiles(os.files, dirPath, '6.6')).toMatchObject({ initramfs: undefined, memoryHotplug: false })
    await expect(kernelFiles(os.files, dirPath, '../kernels/6.6')).rejects.toThrow('Missing file')
  })

  it('must have options of one line', async () => {
    for (const text of ['a\nb', 'a\0b', '\xff', 'ä']) {
      const { os } = await machine({ '6.12': { vmlinuz: 'k', 'default-kernelopts-common.txt': text } })
      await expect(kernelFiles(os.files, dirPath, '6.12')).rejects.toThrow('must be one line of printable ASCII')
    }
  })

  it('come newest first', async () => {
    const versions = ['6.9.1-1', '6.12.0-1', '6.12.0-10', '6.12.0-2', '5.15.200-1', '6.12']
    const { os } = await machine(Object.fromEntries(versions.map((version) => [version, whole])))
    expect(await installedKernels(os.files, dirPath)).toEqual([
      '6.12.0-10',
      '6.12.0-2',
      '6.12.0-1',
      '6.12',
      '6.9.1-1',
      '5.15.200-1',
    ])
    expect(await installedKernels(os.files, '/nowhere')).toEqual([])
  })

  it('are in one order', () => {
    const version = fc
      .array(fc.constantFrom('1', '2', '10', '.', '-', 'rc'), { maxLength: 6 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0)
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })
})
