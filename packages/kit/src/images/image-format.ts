/** Bytes at a fixed place: from the beginning of the image, or before its end when `at` is negative. */
interface Signature {
  readonly at: number
  /** One character a byte (latin-1). */
  readonly bytes: string
}

/** A format that images come in, as it is recognised by its signature. */
export interface ImageFormat {
  /** Short name; the one that qemu-img knows, where `converter` is `qemu-img`. */
  readonly name: string
  /** What an image of the format is, with its article: "a VHDX image". */
  readonly what: string
  /** What to do with it before the import, as half a sentence: "convert it with …". */
  readonly advice: string
  /** Any one of them stands in every image of the format. */
  readonly signatures: readonly Signature[]
  /** Such an image is also a raw disk when a boot sector stands at its beginning. */
  readonly rawWithBootSector?: boolean
}

const start = (...magics: readonly string[]): readonly Signature[] => magics.map((bytes) => ({ at: 0, bytes }))

/** A disk image that qemu-img converts. */
function disk(name: string, what: string, signatures: readonly Signature[], suffix: string = name): ImageFormat {
  return {
    name,
    what,
    signatures,
    advice: `convert it with \`qemu-img convert -f ${name} -O qcow2 in.${suffix} out.qcow2\``,
  }
}

function compressed(name: string, signatures: readonly Signature[], unpack: string): ImageFormat {
  return { name, what: `compressed by ${name}`, signatures, advice: `unpack it with \`${unpack}\`` }
}

function archive(name: string, what: string, signatures: readonly Signature[], unpack: string): ImageFormat {
  return { name, what, signatures, advice: `unpack it with \`${unpack}\` and import the image that is in it` }
}

/** The one format beside raw that the daemon converts by itself. */
export const qcow2Format: ImageFormat = {
  name: 'qcow2',
  what: 'a qcow2 image',
  signatures: start('QFI\xfb'),
  advice: 'convert it with `qemu-img convert -f qcow2 -O raw in.qcow2 out.img`',
}

/**
 * Every format that is recognised, the first match wins. Signatures are those of the formats' definitions, and of QEMU's
 * block drivers where there is no other definition.
 */
export const imageFormats: readonly ImageFormat[] = [
  disk('qcow', 'a qcow image of version 1', start('QFI\xfb\0\0\0\x01')),
  qcow2Format,
  disk('qed', 'a QED image', start('QED\0')),
  disk('vhdx', 'a VHDX image', start('vhdxfile')),
  disk('vdi', 'a VDI image', [{ at: 0x40, bytes: '\x7f\x10\xda\xbe' }]),
  disk('vpc', 'a VHD image', [...start('conectix'), { at: -512, bytes: 'conectix' }], 'vhd'),
  disk('vmdk', 'a VMDK image', start('KDMV', 'COWD', '\xbe\xba\xfe\xca\0\0\0\0')),
  {
    name: 'vmdk',
    what: 'the descriptor of a VMDK image, without the disk',
    signatures: start('# Disk DescriptorFile', '# Disk Descriptor File'),
    advice:
      'convert it with `qemu-img convert -f vmdk -O qcow2 in.vmdk out.qcow2`, with the files that the descriptor names beside it',
  },
  disk('parallels', 'a Parallels image', start('WithoutFreeSpace', 'WithouFreSpacExt'), 'hdd'),
  disk('bochs', 'a Bochs image', start('Bochs Virtual HD Image')),
  disk('cloop', 'a cloop image', start('#!/bin/sh\n#V2.0 Format\n')),
  disk('dmg', 'an Apple disk image', [{ at: -512, bytes: 'koly' }]),
  {
    name: 'luks',
    what: 'encrypted by LUKS',
    signatures: start('LUKS\xba\xbe'),
    advice:
      'decrypt it with `qemu-img convert --object secret,id=key,file=KEYFILE --image-opts driver=luks,key-secret=key,file.filename=in.img -O qcow2 out.qcow2`',
  },
  {
    name: 'iso9660',
    what: 'an ISO 9660 image without a boot sector, which boots from a CD only',
    signatures: [{ at: 0x8001, bytes: 'CD001' }],
    rawWithBootSector: true,
    advice: 'install from it in a virtual machine and import the installed disk',
  },
  {
    name: 'android-sparse',
    what: 'an Android sparse image',
    signatures: start('\x3a\xff\x26\xed'),
    advice: 'convert it with `simg2img in.img out.img`',
  },
  {
    name: 'wim',
    what: 'a Windows imaging archive',
    signatures: start('MSWIM\0\0\0'),
    advice: 'apply it to a disk with `wimapply` and import the disk',
  },
  compressed('gzip', start('\x1f\x8b\x08'), 'gzip -dc in.gz > out'),
  compressed('xz', start('\xfd7zXZ\0'), 'xz -dc in.xz > out'),
  compressed('zstd', start('\x28\xb5\x2f\xfd'), 'zstd -dc in.zst > out'),
  compressed('bzip2', [{ at: 4, bytes: '1AY&SY' }], 'bzip2 -dc in.bz2 > out'),
  compressed('lz4', start('\x04\x22\x4d\x18'), 'lz4 -dc in.lz4 > out'),
  compressed('lzip', start('LZIP\x01'), 'lzip -dc in.lz > out'),
  archive('tar', 'a tar archive', [{ at: 257, bytes: 'ustar' }], 'tar -xf in.tar'),
  archive('zip', 'a zip archive', start('PK\x03\x04'), 'unzip in.zip'),
  archive('7z', 'a 7-Zip archive', start('7z\xbc\xaf\x27\x1c'), '7z x in.7z'),
  archive('rar', 'a RAR archive', start('Rar!\x1a\x07'), 'unrar x in.rar'),
  {
    name: 'html',
    what: 'a page of a web site',
    signatures: start('<!DOCTYPE html', '<!doctype html', '<html'),
    advice: 'download the image again: the server has sent a page in its place',
  },
]

/** Bytes at the beginning of an image that recognition needs. */
export const imageHeadLength: number = 0x8001 + 'CD001'.length
/** Bytes at the end of an image that recognition needs. */
export const imageTailLength: number = 512

/**
 * The format of an image, or undefined when no signature is found: then the image is raw.
 * @param head the first bytes, up to {@link imageHeadLength}
 * @param tail the last {@link imageTailLength} bytes; without them, formats that are named at their end are not recognised
 */
export function recogniseImage(head: Uint8Array, tail: Uint8Array = new Uint8Array()): ImageFormat | undefined {
  return imageFormats.find(
    ({ signatures, rawWithBootSector }) =>
      !(rawWithBootSector && hasBootSector(head)) && signatures.some((one) => stands(one, one.at < 0 ? tail : head)),
  )
}

function stands({ at, bytes }: Signature, part: Uint8Array): boolean {
  const from = at < 0 ? part.length + at : at
  if (from < 0 || from + bytes.length > part.length) return false
  for (let index = 0; index < bytes.length; index++) {
    if (part[from + index] !== bytes.charCodeAt(index)) return false
  }
  return true
}

function hasBootSector(head: Uint8Array): boolean {
  return head[510] === 0x55 && head[511] === 0xaa
}
