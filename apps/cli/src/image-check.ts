import { CliError } from './cli-error.ts'
import { exitStatus } from './exit-status.ts'

interface Format {
  readonly name: string
  readonly at: number
  readonly magic: string
  readonly advice: string
}

/** The one format that the daemon converts, when it makes a template. */
export const qcow2 = 'a qcow2 image'

const unpack = 'unpack it first, for example into standard input: '

/** What people have that is no raw image, by how it begins (latin-1). */
const formats: readonly Format[] = [
  { name: qcow2, at: 0, magic: 'QFI\xfb', advice: '`qemu-img convert -O raw` makes a raw one of it' },
  { name: 'a VMDK image', at: 0, magic: 'KDMV', advice: '`qemu-img convert -O raw` makes a raw one of it' },
  { name: 'compressed by gzip', at: 0, magic: '\x1f\x8b', advice: `${unpack}\`zcat FILE | cloister ... -\`` },
  { name: 'compressed by xz', at: 0, magic: '\xfd7zXZ\0', advice: `${unpack}\`xzcat FILE | cloister ... -\`` },
  {
    name: 'compressed by zstd',
    at: 0,
    magic: '\x28\xb5\x2f\xfd',
    advice: `${unpack}\`zstdcat FILE | cloister ... -\``,
  },
  { name: 'compressed by bzip2', at: 0, magic: 'BZh', advice: `${unpack}\`bzcat FILE | cloister ... -\`` },
  { name: 'a tar archive', at: 257, magic: 'ustar', advice: 'take the image out of it first' },
  { name: 'a zip archive', at: 0, magic: 'PK\x03\x04', advice: 'take the image out of it first' },
]

/**
 * A domain would be given this as its disk, byte by byte, unless the daemon converts it.
 * @throws CliError when it is recognised as something else than raw data, or one of `accepted`
 */
export function refuseOtherFormats(name: string, beginning: Uint8Array, accepted: readonly string[] = []): void {
  const text = Buffer.from(beginning.subarray(0, 512)).toString('latin1')
  const found = formats.find(({ at, magic }) => text.startsWith(magic, at))
  if (found !== undefined && !accepted.includes(found.name)) {
    throw new CliError(
      `${name} is ${found.name}, not a raw image`,
      exitStatus.usage,
      `${found.advice}; --raw takes it as it is`,
    )
  }
}

/** The same data, after a look at their beginning. */
export async function* checked(
  name: string,
  stream: AsyncIterable<Uint8Array>,
  accepted: readonly string[] = [],
): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const chunk of stream) {
    if (isFirst) refuseOtherFormats(name, chunk, accepted)
    isFirst = false
    yield chunk
  }
}
