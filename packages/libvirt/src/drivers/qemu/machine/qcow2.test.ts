import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LibvirtError } from '../../../error.ts'
import { diskXml, QemuHarness, qemu } from '../testing/qemu-harness.ts'
import { readBackingName } from './qcow2.ts'

const run = promisify(execFile)

/** The beginning of a qcow2 image. */
function header(backing: string, change: (header: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.alloc(1024)
  bytes.writeUInt32BE(0x514649fb, 0)
  bytes.writeUInt32BE(3, 4)
  bytes.writeBigUInt64BE(backing === '' ? 0n : 512n, 8)
  bytes.writeUInt32BE(Buffer.byteLength(backing), 16)
  bytes.writeUInt32BE(16, 20)
  bytes.writeUInt32BE(104, 100)
  bytes.write(backing, 512)
  change(bytes)
  return bytes
}

describe('readBackingName', () => {
  it('finds the name, or that there is none', () => {
    expect(readBackingName(header('root.img'), 'x')).toBe('root.img')
    expect(readBackingName(header(''), 'x')).toBeUndefined()
  })

  it.each([
    ['an absolute path', header('/etc/shadow')],
    ['a path to another folder', header('../other/root.img')],
    ['the folder itself', header('.')],
    ['a protocol', header('nbd:localhost:10809')],
    ['JSON', header('json:{"driver":"file"}')],
    ['a NUL', header('root\0.img')],
    ['a name that is too long', header('x', (bytes) => bytes.writeUInt32BE(2000, 16))],
    ['a name beyond the header', header('x', (bytes) => bytes.writeBigUInt64BE(1n << 40n, 8))],
    ['data in another file', header('', (bytes) => bytes.writeBigUInt64BE(4n, 72))],
    ['another version', header('', (bytes) => bytes.writeUInt32BE(4, 4))],
    ['another format', Buffer.alloc(1024)],
    ['three bytes', Buffer.from('QFI')],
    ['a header of 66 bytes', header('').subarray(0, 66)],
    ['a header of 72 bytes, which is too short for version 3', header('').subarray(0, 72)],
  ])('refuses %s', (_what, bytes) => {
    expect(() => readBackingName(bytes, 'x')).toThrow(LibvirtError)
  })

  it('gives a plain name or refuses, whatever stands there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.string(), (noise, name) => {
        const bytes = header(name.slice(0, 100), (one) => one.set(noise.subarray(0, 400), 104))
        let found: string | undefined
        try {
          found = readBackingName(bytes, 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(LibvirtError)
        }
        expect(found ?? 'none').toMatch(/^[^/\0]+$/)
      }),
    )
  })
})

describe.skipIf(!qemu)('a qcow2 image', () => {
  it('is read over its backing image, which stays as it was', async () => {
    await using host = await QemuHarness.make()
    const base = await host.bootImage('base')
    const before = await readFile(base)
    const overlay = join(host.folder, 'overlay.qcow2')
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'base.img', '-F', 'raw', overlay])
    const { console, domain } = await host.boot({ image: null, devices: diskXml({ path: overlay, format: 'qcow2' }) })
    await console.type('W')
    await console.until('w')
    await host.driver.domainBlockResize(domain, 'vda', 4n << 20n)
    await host.driver.domainDestroy(domain)
    expect((await readFile(base)).equals(before)).toBe(true)
    const { stdout } = await run('qemu-img', ['info', '--output=json', overlay])
    expect(JSON.parse(stdout)).toMatchObject({ 'virtual-size': 4 << 20, 'backing-filename': 'base.img' })
  })

  it('does not open what it names elsewhere', async () => {
    await using host = await QemuHarness.make()
    const path = join(host.folder, 'evil.qcow2')
    await writeFile(path, header('/etc/passwd'))
    const domain = await host.define({ image: null, devices: diskXml({ path, format: 'qcow2' }) })
    await expect(host.driver.domainCreate(domain)).rejects.toMatchObject({ kind: 'CONFIG_UNSUPPORTED' })
    expect(await host.left('run')).toEqual([])
  })
})
