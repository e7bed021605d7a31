import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { size } from './numbers.ts'

/** Reply of `internal.vm.volume.ImportBegin`: how many bytes to write, and where. */
export interface ImportTarget {
  readonly size: bigint
  readonly path: string
}

/** `<size> <path>`. */
export const importTarget: TextForm<ImportTarget> = {
  syntax: '<bytes> <path>',
  parse(text) {
    const at = text.indexOf(' ')
    const path = text.slice(at + 1)
    if (at < 0 || !path.startsWith('/')) throw new ProtocolError(msg`a size and a path were expected`)
    return { size: size.parse(text.slice(0, at)), path }
  },
  format: (target) => `${target.size} ${target.path}`,
}

/** Result of an import: undefined after a success, else the reason of the failure. */
export type ImportFailure = string | undefined

/** Payload of `internal.vm.volume.ImportEnd`: `ok`, or `fail`, a newline and a text. */
export const importOutcome: TextForm<ImportFailure> = {
  syntax: 'ok|fail\\n<text>',
  parse(text) {
    if (text === 'ok') return undefined
    if (!text.startsWith('fail\n')) throw new ProtocolError(msg`an import ends with ok or fail`)
    return text.slice('fail\n'.length)
  },
  format: (failure) => (failure === undefined ? 'ok' : `fail\n${failure}`),
}
