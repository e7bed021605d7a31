/** Ctrl-], as in telnet and virsh: what people leave a console with. */
export const escapeByte = 0x1d

/** What a person typed, up to the key that leaves. */
export interface Typed {
  readonly bytes: Uint8Array
  readonly leaves: boolean
}

/** Looks for the key that leaves. */
export function scanTyped(chunk: Uint8Array): Typed {
  const at = chunk.indexOf(escapeByte)
  return at < 0 ? { bytes: chunk, leaves: false } : { bytes: chunk.subarray(0, at), leaves: true }
}
