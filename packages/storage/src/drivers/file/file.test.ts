import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QubesNotImplementedError } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { afterAll, describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from '../../testing/image-fixture.ts'
import { guestWrites, modelledPlace, realPlace } from '../../testing/place.ts'
import { supported } from '../../volume.ts'

describe('driver file', () => {
  const make = (options = {}) => ImageFixture.make(modelledPlace(options), 'file')

  it('48: keeps at most one revision, called old', async () => {
    const at = await make()
    const volume = at.origin()
    expect(() => {
      volume.revisionsToKeep = 2
    }).toThrow(QubesNotImplementedError)
    expect(() => {
      at.pool.revisionsToKeep = 2
    }).toThrow('a volume of the driver file keeps at most 1 older state')
    expect(() => at.origin('appvms/x', { revisionsToKeep: 2 })).toThrow(QubesNotImplementedError)
    await volume.create()
    expect(await volume.revisions()).toEqual([])
    for (let run = 1; run <= 3; run++) await at.cycle(volume, `run ${run}`)
    expect(await at.revisionIds(volume)).toEqual(['old'])
    expect(await at.names()).toContain(`private.img.3@${(await volume.revisions())[0]?.time}Z`)
    expect(await supported(volume, 'snapshot')()).toBe('old')
    volume.revisionsToKeep = -1
    volume.revisionsToKeep = 0
  })

  it('48: does not revert', async () => {
    const at = await make()
    expect(() => supported(at.origin(), 'revert')).toThrow(QubesNotImplementedError)
    expect(at.pool.capabilities).toMatchObject({ revert: false, maxRevisions: 1 })
  })

  it('48: does not start what is being exported; exports what is running', async () => {
    const at = await make()
    const volume = at.origin()
    await volume.create()
    const paths = [await volume.export(), await volume.export()]
    expect(paths).toEqual([at.path(volume, '.img'), at.path(volume, '.img')])
    await volume.exportEnd(at.path(volume, '.img'))
    await expect(volume.start()).rejects.toThrow('is being copied or exported')
    await volume.exportEnd(at.path(volume, '.img'))
    await volume.start()
    await guestWrites(at.place.os, volume.path, 'running')
    expect(await at.place.read(await volume.export())).toBe('')
  })

  it('does not resize a snapshot', async () => {
    const at = await make()
    const source = at.origin()
    await source.create()
    await expect(at.snapshot(source).resize(2n * MiB)).rejects.toThrow('Resize appvms/work/private instead')
    await source.resize(2n * MiB)
    await at.volatile().resize(2n * MiB)
  })

  it('has no revisions of what is not saved', async () => {
    const at = await make()
    expect(at.snapshot(at.origin()).config().revisionsToKeep).toBe(0)
    expect(at.volatile('appvms/x', { revisionsToKeep: 1 }).config().revisionsToKeep).toBe(0)
  })

  it('uses clones where the file system shares blocks', async () => {
    const at = await make()
    const source = at.origin()
    await source.create()
    expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
    const child = at.snapshot(source)
    await child.start()
    expect(await child.blockDevice()).toMatchObject({ format: 'raw', path: at.path(child, '-dirty.img') })
  })

  it('keeps no prepared copy where a copy is a whole one', async () => {
    const at = await make({ reflink: false })
    const volume = at.origin()
    await volume.create()
    expect(await at.names()).toEqual(['private.img'])
    await at.cycle(volume, 'one')
    expect(await at.names()).toEqual(['private.img', expect.stringContaining('private.img.1@')])
    await volume.start()
    expect(await at.content(volume, '-dirty.img')).toBe('one')
  })

  it('says so when there is no qemu-img', async () => {
    const at = await make({ reflink: false })
    const source = at.origin()
    await source.create()
    await expect(at.snapshot(source).start()).rejects.toThrow(
      'Cannot start volume appvms/disp1/private: cannot make the overlay: Cannot run qemu-img',
    )
  })
})

describe('driver file on a file system that cannot share blocks', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-file-'))
  afterAll(() => fs.rm(folder, { recursive: true }))
  const qemuImg = await nodeOs().processes.find('qemu-img')
  if (!qemuImg) console.warn('skipped: qemu-img is not installed')

  it.skipIf(!qemuImg)('starts a snapshot as a qcow2 file over a second name of its source', async () => {
    const at = await ImageFixture.make(realPlace(folder, false), 'file')
    const source = at.origin('vm-templates/debian', { name: 'root', size: 64n * MiB })
    await source.create()
    await at.cycle(source, 'template')
    const child = at.snapshot(source)
    await child.create()
    await child.start()
    expect(await at.names('appvms/disp1')).toEqual(['root-dirty.qcow2', 'root.img'])
    expect(await child.blockDevice()).toEqual({
      path: at.path(child, '-dirty.qcow2'),
      format: 'qcow2',
      kind: 'file',
      rw: true,
      disposable: true,
      backing: { path: at.path(child, '.img'), format: 'raw', kind: 'file', rw: false, disposable: true },
    })
    expect(await at.stat(child, '-dirty.qcow2')).toMatchObject({ mode: 0o600 })
    expect((await at.stat(child))?.inode).toBe((await at.stat(source))?.inode)
    expect(await child.size()).toBe(64n * MiB)
    expect(await child.usage()).toBeLessThan(MiB)
    await at.cycle(source, 'changed')
    expect(await child.isOutdated()).toBe(true)
    expect(await readGuest(child.path)).toBe('template')
    await child.stop()
    expect(await at.names('appvms/disp1')).toEqual([])
    await child.start()
    expect(await readGuest(child.path)).toBe('changed')
    await child.remove()
    expect(await at.names('appvms')).toEqual([])
  })

  it.skipIf(!qemuImg)('does not write into the image under a running child', async () => {
    const at = await ImageFixture.make(realPlace(folder, false), 'file')
    const source = at.origin()
    await source.create()
    await at.cycle(source, 'old')
    const child = at.snapshot(source)
    await child.start()
    source.revisionsToKeep = -1
    await at.cycle(source, 'new')
    expect(await readGuest(child.path)).toBe('old')
    expect(await at.content(source)).toBe('new')
    expect(await child.isOutdated()).toBe(true)
  })

  /** What a guest sees at the beginning of a qcow2 disk. */
  async function readGuest(path: string): Promise<string> {
    const { processes } = nodeOs()
    const { stdout } = await processes.run(['qemu-io', '-r', '-f', 'qcow2', '-c', 'read -v 0 16', path])
    const [, bytes = ''] = /^00000000:((?: {1,2}[0-9a-f]{2}){16})/m.exec(new TextDecoder().decode(stdout)) ?? []
    const codes = bytes
      .trim()
      .split(/ +/)
      .map((byte) => Number.parseInt(byte, 16))
    return String.fromCharCode(...codes.slice(0, codes.indexOf(0)))
  }
})
