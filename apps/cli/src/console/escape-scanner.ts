/** Ctrl-], the key that leaves a console, as in telnet and virsh. */
export const escapeByte = 0x1d

/** Typed bytes up to the key that leaves. */
export interface Typed {
  readonly bytes: Uint8Array
  readonly leaves: boolean
}

/** Splits typed bytes at the key that leaves. */
export function scanTyped(chunk: Uint8Array): Typed {
  const at = chunk.indexOf(escapeByte)
  return at < 0 ? { bytes: chunk, leaves: false } : { bytes: chunk.subarray(0, at), leaves: true }
}
