import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QubesValueError, StoragePoolException } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { afterAll, describe, expect, it } from 'vitest'
import { type AdoptedFormat, adoptImage } from './adopt-image.ts'
import { defaultImageLimits, type ImageLimits } from './image-limits.ts'

// Images as users bring them, made and read by the real qemu-img.

const os = nodeOs()
const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-foreign-'))
const hasQemu = (await os.processes.find('qemu-img')) !== undefined
if (!hasQemu) console.info('qemu-img is not installed: no image is converted')
afterAll(() => fs.rm(folder, { recursive: true }))

let made = 0
const fresh = (name: string): string => join(folder, `${made++}-${name}`)

async function qemuImg(...args: string[]): Promise<void> {
  await os.processes.run(['qemu-img', ...args])
}

/** A raw disk of 8 MiB: half a MiB that no compression shortens, half a MiB that is compressed well, and a hole. */
async function rawDisk(): Promise<string> {
  const path = fresh('disk.raw')
  const content = Buffer.alloc(1 << 20, 'a line of text\n')
  let state = 1
  for (let at = 0; at < content.length / 2; at += 4) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    content.writeUInt32LE(state, at)
  }
  await fs.writeFile(path, content)
  await fs.truncate(path, 8 << 20)
  return path
}

const conversions = new Map<string, Promise<{ raw: string; image: string }>>()

/** The disk as an image of a format; made once for each format and options. */
function converted(format: string, ...options: string[]): Promise<{ raw: string; image: string }> {
  const key = [format, ...options].join(' ')
  const known = conversions.get(key) ?? convert(format, options)
  conversions.set(key, known)
  return known
}

async function convert(format: string, options: readonly string[]): Promise<{ raw: string; image: string }> {
  const [raw, image] = [await rawDisk(), fresh(`image.${format}`)]
  await qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, image)
  return { raw, image }
}

async function* chunksOf(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

interface Case {
  readonly format?: AdoptedFormat
  readonly limits?: ImageLimits
}

/** Adopts an image into a new file below a folder of its own; nothing else is left beside it. */
async function adopt(image: string | Uint8Array, options: Case = {}): Promise<{ path: string }> {
  const place = fresh('place')
  await fs.mkdir(place)
  const path = join(place, 'root-import.img')
  await fs.writeFile(path, '')
  await fs.truncate(path, 512)
  const bytes = typeof image === 'string' ? await fs.readFile(image) : image
  try {
    await adoptImage(os, { image: chunksOf(bytes), path, ...options })
  } finally {
    expect(await fs.readdir(place)).toEqual(['root-import.img'])
  }
  return { path }
}

async function same(one: string, other: string): Promise<boolean> {
  return (await fs.readFile(one)).equals(await fs.readFile(other))
}

describe('a raw image', () => {
  it('becomes the disk as it is, in whole sectors', async () => {
    const { path } = await adopt(Buffer.alloc(1000, 7))
    expect(await fs.readFile(path)).toEqual(Buffer.concat([Buffer.alloc(1000, 7), Buffer.alloc(24)]))
  })

  it('is refused when it is empty', async () => {
    await expect(adopt(new Uint8Array())).rejects.toThrow('The image is empty')
    await expect(adopt(new Uint8Array(), { format: 'raw' })).rejects.toThrow('The image is empty')
  })

  it('is refused as soon as it is larger than the limit', async () => {
    const place = fresh('endless.img')
    await fs.writeFile(place, '')
    let given = 0
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given += 1 << 20
          yield new Uint8Array(1 << 20)
        }
      } finally {
        closed = true
      }
    }
    const limits = { largest: 5n << 20n }
    await expect(adoptImage(os, { image: endless(), path: place, limits })).rejects.toThrow(/images\.largest_gib/)
    expect(given).toBeLessThan(8 << 20)
    expect(closed).toBe(true)
  })

  it('is refused when the pool would become full', async () => {
    const full = nodeOs()
    full.files.space = async () => ({ total: 1n << 30n, free: 20n << 20n })
    const path = fresh('full.img')
    await fs.writeFile(path, '')
    const adoption = adoptImage(full, { image: chunksOf(new Uint8Array(1 << 20)), path })
    await expect(adoption).rejects.toThrow(StoragePoolException)
    await expect(adoption).rejects.toThrow(/does not fit into the pool/)
  })
})

describe.skipIf(!hasQemu)('an image of another format', () => {
  const formats = [
    ['vhdx', 'vhdx', 'dynamic'],
    ['vhdx', 'vhdx', 'fixed'],
    ['vdi', 'vdi', ''],
    ['vpc', 'vpc', 'dynamic'],
    ['vpc', 'vpc', 'fixed'],
    ['qed', 'qed', ''],
    ['parallels', 'parallels', ''],
    ['vmdk', 'vmdk', 'monolithicSparse'],
    ['vmdk', 'vmdk', 'streamOptimized'],
    ['vmdk', 'vmdk', 'monolithicFlat'],
    ['qcow', 'qcow', ''],
  ] as const

  it.each(formats)(
    '%s is refused by name with the command that converts it: %s %s',
    async (format, driver, subformat) => {
      const options = subformat === '' ? [] : ['-o', `subformat=${subformat}`]
      const { image } = await converted(driver, ...options)
      await expect(adopt(image)).rejects.toThrow(QubesValueError)
      await expect(adopt(image)).rejects.toThrow(`qemu-img convert -f ${format} -O qcow2`)
    },
  )

  it('is taken as it is when it is said to be raw', async () => {
    const { image } = await converted('vdi')
    const { path } = await adopt(image, { format: 'raw' })
    expect((await fs.readFile(path)).subarray(0, (await fs.stat(image)).size).equals(await fs.readFile(image))).toBe(
      true,
    )
  })

  it('is refused when it is said to be qcow2 and is not', async () => {
    const { image } = await converted('vdi')
    await expect(adopt(image, { format: 'qcow2' })).rejects.toThrow(/does not begin with the magic of qcow2/)
  })
})

describe.skipIf(!hasQemu)('a qcow2 image', () => {
  it.each([[], ['-c'], ['-o', 'compat=0.10'], ['-o', 'cluster_size=512'], ['-o', 'extended_l2=on']])(
    'becomes the disk in it, with its holes: %s %s',
    async (...options) => {
      const { raw, image } = await converted('qcow2', ...options)
      const { path } = await adopt(image)
      expect(await same(path, raw)).toBe(true)
      const { blocks, uid, mode } = await fs.stat(path)
      expect(blocks * 512).toBeLessThan(3 << 20)
      expect([uid, mode & 0o777]).toEqual([process.getuid?.(), (await fs.stat(raw)).mode & 0o777])
    },
  )

  it('may end within its last cluster, at a whole sector', async () => {
    const { raw, image } = await converted('qcow2')
    const bytes = await fs.readFile(image)
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1
    const { path } = await adopt(bytes.subarray(0, Math.ceil(end / 512) * 512))
    expect(await same(path, raw)).toBe(true)
  })

  it.each([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])(
    'that is cut off at %f of its length is refused',
    async (part) => {
      for (const options of [[], ['-c']]) {
        const { image } = await converted('qcow2', ...options)
        const bytes = await fs.readFile(image)
        const cut = adopt(bytes.subarray(0, Math.floor(bytes.length * part)))
        await expect(cut).rejects.toThrow(/The image is cut off|the header is cut off/)
      }
    },
  )

  it.each([72, 104, 512, 65_536])('of which only the first %i bytes came is refused', async (length) => {
    const { image } = await converted('qcow2')
    await expect(adopt((await fs.readFile(image)).subarray(0, length))).rejects.toThrow(
      /The image is cut off|the header is cut off/,
    )
  })

  it('that was made over another file is refused before qemu-img sees it', async () => {
    for (const [format, name] of [
      ['raw', '/etc/shadow'],
      ['raw', 'json:{"driver":"file","filename":"/etc/shadow"}'],
      ['raw', 'nbd://127.0.0.1:1/x'],
    ] as const) {
      const image = fresh('overlay.qcow2')
      await qemuImg('create', '-q', '-u', '-f', 'qcow2', '-F', format, '-b', name, image, '1M')
      await expect(adopt(image)).rejects.toThrow(/leans on another file \(its backing file\)/)
    }
  })

  it('whose data lie in another file is refused, also when only an extension of the header says so', async () => {
    const image = fresh('external.qcow2')
    await qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${fresh('data')},data_file_raw=on`, image, '1M')
    await expect(adopt(image)).rejects.toThrow(/leans on another file \(its data file\)/)
    const bytes = await fs.readFile(image)
    bytes.writeBigUInt64BE(0n, 72)
    await expect(adopt(bytes)).rejects.toThrow(/leans on another file \(its data file\)/)
  })
})

describe.skipIf(!hasQemu)('a hostile qcow2 image', () => {
  async function changed(change: (bytes: Buffer) => void, ...options: string[]): Promise<Buffer> {
    const bytes = await fs.readFile((await converted('qcow2', ...options)).image)
    change(bytes)
    return bytes
  }

  it('with a disk of exbibytes is refused by its header', async () => {
    const image = await changed((bytes) => bytes.writeBigUInt64BE(1n << 60n, 24))
    await expect(adopt(image)).rejects.toThrow(/more than the 1099511627776 bytes that are allowed/)
  })

  it('with a disk as large as the limit, and tables for none of it, is refused', async () => {
    const image = await changed((bytes) => bytes.writeBigUInt64BE(defaultImageLimits.largest, 24))
    await expect(adopt(image)).rejects.toThrow(/cannot be read: .*L1 table is too small/)
  })

  it('with clusters outside of the file is refused', async () => {
    const image = await changed((bytes) => {
      const l1 = Number(bytes.readBigUInt64BE(40))
      const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n)
      bytes.writeBigUInt64BE((1n << 63n) | (1n << 40n), l2)
    })
    await expect(adopt(image)).rejects.toThrow(/cut off or damaged: qemu-img check counts \d+ errors/)
  })

  it('whose clusters are all the same one is refused', async () => {
    const image = await changed((bytes) => {
      const l1 = Number(bytes.readBigUInt64BE(40))
      const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n)
      const first = bytes.readBigUInt64BE(l2)
      for (let entry = 0; entry < 128; entry++) bytes.writeBigUInt64BE(first, l2 + entry * 8)
    })
    await expect(adopt(image)).rejects.toThrow(/cut off or damaged/)
  })

  it('with a refcount table of 8 MiB, most of which is no table, is refused', async () => {
    const image = await changed((bytes) => bytes.writeUInt32BE(128, 56))
    await expect(adopt(image)).rejects.toThrow(/cut off or damaged/)
  })

  it('with 65536 snapshots is refused', async () => {
    const image = await changed((bytes) => {
      bytes.writeUInt32BE(65_536, 60)
      bytes.writeBigUInt64BE(65_536n, 64)
    })
    await expect(adopt(image)).rejects.toThrow(/cannot be read: .*snapshot table/)
  })

  it('whose compressed clusters are noise is refused', async () => {
    const image = await changed((bytes) => {
      const l1 = Number(bytes.readBigUInt64BE(40))
      const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n)
      // The last cluster of the first MiB: compressed, its offset in the lower 54 bits.
      const entry = bytes.readBigUInt64BE(l2 + 15 * 8)
      expect(entry >> 62n).toBe(1n)
      const at = Number(entry & ((1n << 54n) - 1n))
      bytes.fill(0xff, at, at + 64)
    }, '-c')
    await expect(adopt(image)).rejects.toThrow(/cannot be read: qemu-img convert failed/)
  })

  it('is refused when the disk in it does not fit into the pool', async () => {
    const { image } = await converted('qcow2')
    const bytes = await fs.readFile(image)
    const path = fresh('tight.img')
    await fs.writeFile(path, '')
    let looks = 0
    // The image itself fits, the disk in it does not any more.
    const space = async (): Promise<{ total: bigint; free: bigint }> => ({
      total: 32n << 20n,
      free: looks++ === 0 ? 2n << 20n : 1n << 20n,
    })
    const tight = nodeOs()
    tight.files.space = space
    await expect(adoptImage(tight, { image: chunksOf(bytes), path })).rejects.toThrow(/does not fit into the pool/)
  })
})
