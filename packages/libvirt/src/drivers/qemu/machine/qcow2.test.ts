import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ImageDefinition } from '../../../domain-definition.ts'
import { LibvirtError } from '../../../error.ts'
import { diskXml, QemuHarness, qemu } from '../testing/qemu-harness.ts'
import { checkHeader } from './qcow2.ts'

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

const file = (path: string): ImageDefinition['source'] => ({ kind: 'file', path })
const unnamed: ImageDefinition = { source: file('/pool/a.qcow2'), format: 'qcow2' }
const alone: ImageDefinition = { ...unnamed, backing: null }
const named: ImageDefinition = { ...unnamed, backing: { source: file('/pool/b.img'), format: 'raw' } }

describe('checkHeader', () => {
  it('takes an image that leads nowhere else', () => {
    for (const image of [unnamed, alone, named]) checkHeader(header(''), image)
  })

  it.each(['/etc/shadow', '../other/root.img', 'root.img', 'nbd:localhost:10809', 'json:{"driver":"file"}'])(
    'takes the backing image %s only when the definition says what is behind the image',
    (name) => {
      for (const image of [alone, named]) checkHeader(header(name), image)
      expect(() => checkHeader(header(name), unnamed)).toThrow(
        `image '/pool/a.qcow2': it was made over '${name}', which the domain XML does not name: add <backingStore>`,
      )
    },
  )

  it.each([
    ['a name that is too long', header('x', (bytes) => bytes.writeUInt32BE(2000, 16))],
    ['a name beyond the header', header('x', (bytes) => bytes.writeBigUInt64BE(1n << 40n, 8))],
    ['data in another file', header('', (bytes) => bytes.writeBigUInt64BE(4n, 72))],
    ['another version', header('', (bytes) => bytes.writeUInt32BE(4, 4))],
    ['another format', Buffer.alloc(1024)],
    ['three bytes', Buffer.from('QFI')],
    ['a header of 66 bytes', header('').subarray(0, 66)],
    ['a header of 72 bytes, which is too short for version 3', header('').subarray(0, 72)],
  ])('refuses %s whatever the definition says', (_what, bytes) => {
    for (const image of [unnamed, alone, named]) expect(() => checkHeader(bytes, image)).toThrow(LibvirtError)
  })

  it('takes or refuses, never anything else, whatever stands there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.string(), (noise, name) => {
        const bytes = header(name.slice(0, 100), (one) => one.set(noise.subarray(0, 400), 104))
        try {
          checkHeader(bytes, unnamed)
          expect(bytes.readBigUInt64BE(8)).toBe(0n)
        } catch (error) {
          expect(error).toBeInstanceOf(LibvirtError)
        }
      }),
    )
  })
})

describe.skipIf(!qemu)('a qcow2 image', () => {
  it('is read over the images that the XML names, which stay as they were', async () => {
    await using host = await QemuHarness.make()
    const base = await host.bootImage('base')
    const before = await readFile(base)
    const overlay = join(host.folder, 'overlay.qcow2')
    const middle = join(host.folder, 'middle.qcow2')
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', middle])
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', overlay])
    const more = `<backingStore type='file'><format type='qcow2'/><source file='${middle}'/>
      <backingStore type='file'><format type='raw'/><source file='${base}'/><backingStore/></backingStore></backingStore>`
    const disk = diskXml({ path: overlay, format: 'qcow2', more })
    const { console, domain } = await host.boot({ image: null, devices: disk })
    expect(await host.driver.domainGetXMLDesc(domain)).toContain(`<source file='${base}'/>`)
    await console.type('W')
    await console.until('w')
    await host.driver.domainBlockResize(domain, 'vda', 4n << 20n)
    await host.driver.domainDestroy(domain)
    expect((await readFile(base)).equals(before)).toBe(true)
    const { stdout } = await run('qemu-img', ['info', '--output=json', overlay])
    expect(JSON.parse(stdout)).toMatchObject({ 'virtual-size': 4 << 20, 'backing-filename': 'middle.qcow2' })
  })

  it('does not open what it names elsewhere', async () => {
    await using host = await QemuHarness.make()
    const path = join(host.folder, 'evil.qcow2')
    await writeFile(path, header('/etc/passwd'))
    const domain = await host.define({ image: null, devices: diskXml({ path, format: 'qcow2' }) })
    await expect(host.driver.domainCreate(domain)).rejects.toMatchObject({ kind: 'CONFIG_UNSUPPORTED' })
    expect(await host.left('run')).toEqual([])
  })

  it('ends where the XML says so, whatever its header names', async () => {
    await using host = await QemuHarness.make()
    const path = join(host.folder, 'end.qcow2')
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', '-b', '/nowhere.img', '-F', 'raw', path, '1M'])
    const domain = await host.define({
      image: null,
      devices: diskXml({ path, format: 'qcow2', more: '<backingStore/>' }),
    })
    await host.driver.domainCreate(domain, { paused: true })
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'paused' })
  })
})
