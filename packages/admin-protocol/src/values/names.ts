import { msg, QubesInvalidLabelError, QubesInvalidLabelValueError, QubesInvalidTagError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'
import { anyText, matching, trimmed } from '../text-forms.ts'

// Names of objects other than domains. A name that is only looked up may be any text: the handler refuses an unknown name.

/** Name of a property; looked up. */
export const propertyName: TextForm<string> = anyText('<property>')

/** Name of a volume of a domain; looked up. */
export const volumeName: TextForm<string> = anyText('<volume>')

/** Name of a pool; looked up. */
export const poolName: TextForm<string> = anyText('<pool>')

/** Name for a new pool (reference: admin-api, 3.7). */
export const newPoolName: TextForm<string> = matching('<pool>', /^[A-Za-z0-9_.-]+$/)

/** Name of a storage driver; looked up. */
export const driverName: TextForm<string> = anyText('<driver>')

/** Name of a class of domains; looked up. */
export const className: TextForm<string> = anyText('<class>')

/** Name of a feature that is read or removed; looked up. */
export const featureName: TextForm<string> = anyText('<feature>')

/** Name of a feature that is set (reference: admin-api, 3.4). */
export const newFeatureName: TextForm<string> = matching('<feature>', /^[A-Za-z0-9_.-]+$/)

/** Value of a feature: printable ASCII. */
export const featureValue: TextForm<string> = matching('<value>', /^[ -~]*$/)

/** A tag (reference: admin-api, 8). */
export const tag: TextForm<string> = matching('<tag>', /^[A-Za-z0-9_-]+$/, QubesInvalidTagError)

/** A label by name or, in decimal, by index. */
export const labelReference: TextForm<string> = matching('<label>', /^[A-Za-z0-9_.-]+$/, QubesInvalidLabelError)

/** A label by name only: what is all digits would be an index. */
export const labelName: TextForm<string> = {
  syntax: '<label>',
  parse(text) {
    const name = labelReference.parse(text)
    if (/^\d+$/.test(name))
      throw new QubesInvalidLabelError(msg`a label cannot be named ${quoted(name)}: it would be an index`)
    return name
  },
  format: (name) => name,
}

/** Colour of a label (reference: admin-api, 3.1). */
export const colour: TextForm<string> = trimmed(matching('0xRRGGBB', /^0x[0-9A-Fa-f]{6}$/, QubesInvalidLabelValueError))

/** Id of a revision of a volume (reference: admin-api, 3.6). */
export const revisionId: TextForm<string> = trimmed(matching('<snapshot>', /^[A-Za-z0-9:_.-]+$/))

/** Token of a copy between volumes; looked up. */
export const copyToken: TextForm<string> = trimmed(anyText('<token>'))

/** Id of a volume within its pool: a word. */
export const volumeId: TextForm<string> = matching('<vid>', /^[!-~]+$/)
