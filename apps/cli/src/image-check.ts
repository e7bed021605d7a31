import { type ImageFormat, imageHeadLength, recogniseImage } from '@cloister/kit'
import { CliError } from './cli-error.ts'
import { exitStatus } from './exit-status.ts'

/** What an image is checked for before it is sent. */
export interface ImageCheck {
  /** Where the image comes from, for messages. */
  readonly name: string
  /** The one format beside raw that the daemon converts, if it converts any for this command. */
  readonly accepted?: ImageFormat
  /** The option that has the image taken as it is. */
  readonly override: string
}

/**
 * A domain would be given the image as its disk, byte by byte.
 * @param beginning the first bytes of the image
 * @throws CliError when the image is recognised as something else than raw data, or the accepted format
 */
export function refuseOtherFormats({ name, accepted, override }: ImageCheck, beginning: Uint8Array): void {
  const found = recogniseImage(beginning)
  if (found === undefined || found === accepted) return
  throw new CliError(
    `${name} is ${found.what}, not a raw image`,
    exitStatus.usage,
    `${found.advice}; ${override} takes it as it is`,
  )
}

/** The same data, after a look at their beginning. */
export async function* checked(check: ImageCheck, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    if (size < imageHeadLength) {
      held.push(chunk)
      size += chunk.length
      if (size < imageHeadLength) continue
      refuseOtherFormats(check, Buffer.concat(held))
      yield* held
    } else {
      yield chunk
    }
  }
  if (size >= imageHeadLength) return
  refuseOtherFormats(check, Buffer.concat(held))
  yield* held
}
