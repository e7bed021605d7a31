import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  poolVolumeInfo,
  poolVolumeList,
  poolVolumeListSnapshots,
  poolVolumeResize,
  poolVolumeRevert,
  poolVolumeSnapshot,
  propertyHelpRst,
  vmClone,
  vmCloneInPool,
  vmCreate,
  vmCreateTemplate,
  vmCreateTemplateAs,
  vmFeatureGet,
  vmFeatureSet,
  vmFirewallFlush,
  vmFirewallGet,
  vmFirewallGetPolicy,
  vmFirewallGetRules,
  vmFirewallSet,
  vmFirewallSetPolicy,
  vmFirewallSetRules,
  vmNotesGet,
  vmNotesSet,
  vmPropertyGet,
  vmPropertySet,
  vmTagList,
  vmTagSet,
  vmVolumeImport,
  vmVolumeInfo,
  vmVolumeListSnapshots,
  vmVolumeResize,
  vmVolumeSnapshot,
} from '@cloister/admin-protocol'
import { AdminClient } from '@cloister/client'
import { UnixTransport } from '@cloister/client/node'
import { nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../support/cloisterd.ts'

// The calls of the draft, and its dialect, on a real daemon with volumes on a real file system.

const { processes } = nodeOs()
const sector = 512
let daemon: Cloisterd
let client: AdminClient
let scratch = ''

async function create(klass: string, name: string, template?: string): Promise<void> {
  const payload = { name, label: 'red', pool: undefined, pools: new Map<string, string>() }
  await client.call(vmCreate, {
    dialect: 'mgmt',
    variant: klass,
    ...(template !== undefined && { argument: template }),
    payload,
  })
}

async function* chunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function image(name: string, volume = 'root'): string {
  return join(daemon.folder, 's', 'vm-templates', name, `${volume}.img`)
}

/** Sends the bytes of a request and resolves with the reply as text. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect({ path: daemon.socket, allowHalfOpen: true }, () => socket.end(request))
    socket.setEncoding('utf8').on('data', (text) => {
      reply += text
    })
    socket.on('error', reject).on('end', () => resolve(reply))
  })
}

beforeAll(async () => {
  daemon = await Cloisterd.start()
  scratch = await mkdtemp(join(daemon.folder, 'x-'))
  client = new AdminClient(new UnixTransport(daemon.socket))
  await create('TemplateVM', 'tpl')
  await create('AppVM', 'work', 'tpl')
})

afterAll(async () => {
  await daemon.remove()
  await rm(scratch, { recursive: true, force: true })
})

describe('the dialect', () => {
  it('writes booleans as yes and no', async () => {
    expect(await raw('mgmt.vm.property.Get+debug dom0 name work\0')).toBe('0\0default=yes type=bool no')
    expect(await raw('mgmt.vm.volume.Info+volatile dom0 name work\0')).toMatch(/^rw=yes\ninternal=yes\n/m)
  })

  it('lists one object when it is asked for one', async () => {
    expect(await raw('mgmt.vm.List+work dom0 name dom0\0')).toBe('0\0work class=AppVM state=Halted\n')
    expect(await raw('mgmt.label.List+blue dom0 name dom0\0')).toBe('0\0blue\n')
    expect(await raw('mgmt.vm.List+nosuch dom0 name dom0\0')).toMatch(/^2\0QubesVMNotFoundError\0/)
  })

  it('sends the format of an error and its fields separately', async () => {
    expect(await raw('mgmt.vm.property.Get+nosuch dom0 name work\0')).toBe(
      '2\0QubesNoSuchPropertyError\0\0%s has no property %s\0work\0nosuch\0',
    )
    expect(await raw('admin.vm.property.Get+nosuch dom0 name work\0')).toBe(
      '2\0QubesNoSuchPropertyError\0\0work has no property nosuch\0',
    )
  })

  it('sends a property as a list of fields', async () => {
    const text = await client.call(propertyHelpRst, { dialect: 'mgmt', argument: 'stats_interval' })
    expect(text).toContain(':type: int\n')
    expect(text).toContain(':default: 3\n')
  })
})

describe('vm.CreateTemplate', () => {
  it('makes a template whose root is the image', async () => {
    const bytes = Buffer.alloc(3 * 65_536 + 100, 7)
    await client.call(vmCreateTemplate, { dialect: 'mgmt', argument: 'raw', stream: chunks(bytes) })
    const root = await readFile(image('raw'))
    expect(root.length).toBe(Math.ceil(bytes.length / sector) * sector)
    expect(root.subarray(0, bytes.length).equals(bytes)).toBe(true)
    const info = await client.call(vmVolumeInfo, { dest: 'raw', argument: 'root' })
    expect(info.size).toBe(BigInt(root.length))
  })

  it('leaves the holes of an image empty', async () => {
    await client.call(vmCreateTemplate, {
      dialect: 'mgmt',
      argument: 'hole',
      stream: chunks(new Uint8Array(8 << 20), 1 << 20),
    })
    const { size, blocks } = await stat(image('hole'))
    expect(size).toBe(8 << 20)
    expect(blocks * 512).toBeLessThan(1 << 20)
  })

  it('converts a qcow2 image', async () => {
    const [source, qcow2] = [join(scratch, 'a.raw'), join(scratch, 'a.qcow2')]
    await writeFile(source, Buffer.alloc(1 << 20, 9))
    await processes.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', source, qcow2])
    await client.call(vmCreateTemplate, {
      dialect: 'mgmt',
      argument: 'q',
      stream: chunks(await readFile(qcow2), 65_536),
    })
    expect((await readFile(image('q'))).equals(await readFile(source))).toBe(true)
  })

  it('refuses a qcow2 image with a backing file, and leaves nothing', async () => {
    const overlay = join(scratch, 'b.qcow2')
    await processes.run(['qemu-img', 'create', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', overlay, '1M'])
    const call = client.call(vmCreateTemplate, {
      dialect: 'mgmt',
      argument: 'bad',
      stream: chunks(await readFile(overlay)),
    })
    await expect(call).rejects.toThrow(/leans on another file/)
    expect((await client.domains.list()).map(({ name }) => name)).not.toContain('bad')
    await expect(stat(image('bad'))).rejects.toThrow(/ENOENT/)
  })

  it.each([0.5, 0.75, 0.95])('refuses a qcow2 image that is cut off at %f, and leaves nothing', async (part) => {
    const [source, qcow2] = [join(scratch, 'cut.raw'), join(scratch, 'cut.qcow2')]
    await writeFile(source, Buffer.alloc(2 << 20, 'content'))
    await processes.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', source, qcow2])
    const whole = await readFile(qcow2)
    const stream = chunks(whole.subarray(0, Math.floor(whole.length * part)))
    await expect(client.call(vmCreateTemplate, { dialect: 'mgmt', argument: 'cut', stream })).rejects.toThrow(/cut off/)
    expect((await client.domains.list()).map(({ name }) => name)).not.toContain('cut')
    await expect(stat(join(daemon.folder, 's', 'vm-templates', 'cut'))).rejects.toThrow(/ENOENT/)
  })

  it('refuses an image of another format by name, unless it is said to be raw', async () => {
    const bytes = Buffer.concat([Buffer.from('vhdxfile'), Buffer.alloc(5000)])
    const call = { argument: 'vhdx' }
    await expect(client.call(vmCreateTemplate, { ...call, dialect: 'mgmt', stream: chunks(bytes) })).rejects.toThrow(
      /a VHDX image.*`qemu-img convert -f vhdx -O qcow2 in.vhdx out.qcow2`/,
    )
    await expect(client.call(vmCreateTemplateAs, { ...call, variant: 'qcow2', stream: chunks(bytes) })).rejects.toThrow(
      /the magic of qcow2/,
    )
    await client.call(vmCreateTemplateAs, { ...call, variant: 'raw', stream: chunks(bytes) })
    expect((await readFile(image('vhdx'))).subarray(0, bytes.length).equals(bytes)).toBe(true)
  })

  it('refuses an empty image', async () => {
    const call = client.call(vmCreateTemplate, { dialect: 'mgmt', argument: 'empty', stream: chunks(new Uint8Array()) })
    await expect(call).rejects.toThrow(/empty/)
  })

  it('leaves nothing of an image whose sender disconnects', async () => {
    const before = (await client.domains.list()).length
    await new Promise<void>((resolve) => {
      const socket = connect(daemon.socket, () => {
        socket.write('mgmt.vm.CreateTemplate+torn dom0 name dom0\0')
        socket.write(Buffer.alloc(100_000, 1), () => socket.destroy())
      })
      socket.on('close', () => resolve())
    })
    // The name is free again as soon as the daemon has removed the incomplete template.
    await expect.poll(() => create('TemplateVM', 'torn').then(() => 'made', String), { timeout: 10_000 }).toBe('made')
    expect(await client.domains.list()).toHaveLength(before + 1)
  })
})

describe('vm.Clone', () => {
  it('copies what belongs to a domain, apart from what identifies the original', async () => {
    await client.call(vmPropertySet, { dest: 'work', argument: 'memory', payload: '555' })
    await client.call(vmFeatureSet, { dest: 'work', argument: 'f1', payload: 'v1' })
    await client.call(vmTagSet, { dest: 'work', argument: 'mine' })
    await client.call(vmTagSet, { dest: 'work', argument: 'managed-by-x' })
    await client.call(vmNotesSet, { dest: 'work', payload: 'a note' })
    await client.call(vmFirewallSet, { dest: 'work', payload: [{ action: 'drop' }] })
    await client.call(vmVolumeResize, { dest: 'work', argument: 'private', payload: 4n << 20n }).catch(() => {})
    const size = (await client.call(vmVolumeInfo, { dest: 'work', argument: 'private' })).size
    await client.call(vmVolumeImport, {
      dialect: 'mgmt',
      dest: 'work',
      argument: 'private',
      stream: chunks(Buffer.alloc(Number(size), 3), 1 << 20),
    })
    await client.call(vmClone, {
      dialect: 'mgmt',
      dest: 'work',
      payload: { name: 'copy', pool: undefined, pools: new Map() },
    })
    expect(await client.call(vmPropertyGet, { dest: 'copy', argument: 'memory' })).toMatchObject({
      isDefault: false,
      value: '555',
    })
    expect(await client.call(vmFeatureGet, { dest: 'copy', argument: 'f1' })).toBe('v1')
    expect(await client.call(vmTagList, { dest: 'copy' })).toEqual([
      'audiovm-dom0',
      'created-by-dom0',
      'guivm-dom0',
      'mine',
    ])
    expect(await client.call(vmNotesGet, { dest: 'copy' })).toBe('a note')
    expect(await client.call(vmFirewallGet, { dest: 'copy' })).toMatchObject([{ action: 'drop' }])
    const folder = join(daemon.folder, 's', 'appvms')
    expect(
      (await readFile(join(folder, 'copy', 'private.img'))).equals(await readFile(join(folder, 'work', 'private.img'))),
    ).toBe(true)
  })

  it('leaves nothing when a pool is unknown', async () => {
    const payload = { name: 'lost', pool: 'nosuch', pools: new Map<string, string>() }
    await expect(client.call(vmCloneInPool, { dialect: 'mgmt', dest: 'work', payload })).rejects.toThrow(/pool/)
    expect((await client.domains.list()).map(({ name }) => name)).not.toContain('lost')
  })
})

describe('volumes', () => {
  it('imports exactly as many bytes as the volume has, or nothing', async () => {
    const path = join(daemon.folder, 's', 'appvms', 'work', 'private.img')
    const before = await readFile(path)
    for (const length of [before.length - 1, before.length + 1]) {
      const stream = chunks(Buffer.alloc(length, 5), 1 << 20)
      await expect(
        client.call(vmVolumeImport, { dialect: 'mgmt', dest: 'work', argument: 'private', stream }),
      ).rejects.toThrow(/data/)
    }
    expect((await readFile(path)).equals(before)).toBe(true)
  })

  it('makes a revision of the committed state when asked', async () => {
    const id = await client.call(vmVolumeSnapshot, { dialect: 'mgmt', dest: 'work', argument: 'private' })
    expect(await client.call(vmVolumeListSnapshots, { dialect: 'mgmt', dest: 'work', argument: 'private' })).toEqual([
      id,
    ])
    await expect(
      client.call(vmVolumeSnapshot, { dialect: 'mgmt', dest: 'work', argument: 'volatile' }),
    ).rejects.toThrow()
  })

  it('are reached through their pool as well', async () => {
    const pool = { dialect: 'mgmt', argument: 'varlibqubes' } as const
    const vid = 'vm-templates/tpl/private'
    expect(await client.call(poolVolumeList, { ...pool, payload: vid })).toEqual([vid])
    expect(await client.call(poolVolumeInfo, { ...pool, payload: vid })).toMatchObject({ pool: 'varlibqubes', vid })
    await client.call(poolVolumeResize, { ...pool, payload: { vid, value: 3n << 30n } })
    expect(await client.call(poolVolumeInfo, { ...pool, payload: vid })).toMatchObject({ size: 3n << 30n })
    const id = await client.call(poolVolumeSnapshot, { ...pool, payload: vid })
    expect(await client.call(poolVolumeListSnapshots, { ...pool, payload: { vid, value: undefined } })).toContain(id)
    // Depending on the file system the pool can revert to a revision or cannot.
    await client
      .call(poolVolumeRevert, { ...pool, payload: { vid, value: id } })
      .catch((error: Error) => expect(error.message).toMatch(/not implemented|revert/i))
    await expect(client.call(poolVolumeInfo, { ...pool, payload: 'vm-templates/nosuch/root' })).rejects.toThrow()
  })
})

describe('the firewall', () => {
  it('has rules and a policy', async () => {
    const call = { dialect: 'mgmt', dest: 'copy' } as const
    expect(await client.call(vmFirewallGetPolicy, call)).toBe('drop')
    await client.call(vmFirewallSetPolicy, { ...call, payload: 'accept' })
    await client.call(vmFirewallSetRules, { ...call, payload: [{ action: 'drop', proto: 'icmp' }] })
    expect(await client.call(vmFirewallGetRules, call)).toMatchObject([{ action: 'drop', proto: 'icmp' }])
    expect(await client.call(vmFirewallGet, { dest: 'copy' })).toMatchObject([
      { action: 'drop', proto: 'icmp' },
      { action: 'accept' },
    ])
    await client.call(vmFirewallFlush, call)
    expect(await client.call(vmFirewallGetRules, call)).toEqual([])
    expect(await client.call(vmFirewallGetPolicy, call)).toBe('accept')
  })
})
