import { msg, QubesPropertyValueError, QubesValueError } from '@cloister/kit'
import type { Property } from '../../properties/property.ts'
import { strProperty } from '../../properties/property-kinds.ts'
import type { BaseVM } from '../base-vm.ts'

const interfaceLength = 7

/** One interface of devices: class letter and six hexadecimal digits, `*` for any (reference: admin-api, 12.1). */
const interfacePattern = /^[bump?*][0-9a-f*]{6}$/

/** Codes joined without a separator, taken apart. @throws QubesValueError when the length does not fit */
export function splitInterfaces(text: string): string[] {
  if (text.length % interfaceLength !== 0) {
    throw new QubesValueError(msg`Device interfaces are ${interfaceLength} characters each, joined without a separator`)
  }
  const codes = text.match(/.{7}/gs) ?? []
  const bad = codes.find((code) => !interfacePattern.test(code))
  if (bad !== undefined) throw new QubesPropertyValueError(msg`Invalid device interface ${JSON.stringify(bad)}`)
  return codes
}

/** Interfaces of devices that may not be attached. */
export const devicesDenied: Property<BaseVM, string | null> = strProperty({
  name: 'devices_denied',
  help: 'Interfaces of devices that may not be attached, seven characters each.',
  fallback: () => '',
  parse: (_vm, text) => [...new Set(splitInterfaces(text))].sort().join(''),
})

/** Pattern of a keyboard layout, and the pattern in words. */
export const keyboardLayoutPattern: readonly [RegExp, string] = [
  /^[A-Za-z]+\+[A-Za-z0-9_-]*\+[A-Za-z0-9_:,-]*$/,
  'a keyboard layout is layout+variant+options',
]
