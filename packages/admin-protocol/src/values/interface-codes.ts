import { msg, ProtocolError, QubesValueError } from '@cloister/kit'
import { type InputCodec, maybeEmpty, type TextForm } from '../codec.ts'

/** Characters of an interface of a device: `u030101`, `b******` (reference: admin-api, 12.1). */
const codeLength = 7

/** Which codes a call is about. */
export type DeniedInterfaces = readonly string[] | 'all'

/** Reply of `vm.device.denied.List`: one code a line, without a newline at the end. */
export const interfaceCodes: TextForm<readonly string[]> = {
  syntax: '<interface>\\n…',
  parse: (text) => (text === '' ? [] : text.split('\n')),
  format: (codes) => codes.join('\n'),
}

/** Codes that follow each other without a separator; which characters may stand in them is up to the property. */
const joined: TextForm<readonly string[]> = {
  syntax: '<interface>…',
  parse(text) {
    if (text.length % codeLength !== 0) {
      throw new QubesValueError(msg`interfaces of devices have ${codeLength} characters each, without a separator`)
    }
    const codes = Array.from({ length: text.length / codeLength }, (_, at) =>
      text.slice(at * codeLength, (at + 1) * codeLength),
    )
    if (new Set(codes).size < codes.length) throw new ProtocolError(msg`an interface is given twice`)
    return codes
  },
  format: (codes) => codes.join(''),
}

/** Payload of `vm.device.denied.Add`. */
export const joinedInterfaces: InputCodec<readonly string[]> = maybeEmpty(joined)

/** Payload of `vm.device.denied.Remove`. */
export const deniedInterfaces: InputCodec<DeniedInterfaces> = maybeEmpty<DeniedInterfaces>({
  syntax: `all|${joined.syntax}`,
  parse: (text) => (text === 'all' ? 'all' : joined.parse(text)),
  format: (codes) => (codes === 'all' ? 'all' : joined.format(codes)),
})
