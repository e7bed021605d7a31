import { msg, QubesValueError, QubesVMInvalidUUIDError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'
import { anyText } from '../text-forms.ts'

const shape = /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/
const forbidden: ReadonlySet<string> = new Set(['Domain-0', 'none', 'default'])
const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const uuidPrefix = 'uuid:'

/** Name of the admin domain on the wire. */
export const adminDomainName: string = 'dom0'

/** True when a domain may have this name (reference: admin-api, 10). */
export function isDomainName(text: string): boolean {
  return shape.test(text) && !forbidden.has(text) && !text.endsWith('-dm')
}

/** @throws QubesValueError when no domain can have this name */
export function parseDomainName(text: string): string {
  if (isDomainName(text)) return text
  throw new QubesValueError(
    msg`${quoted(text)} is not a domain name: 1 to 31 letters, digits, "_", "." and "-", beginning with a letter, not ending in "-dm"`,
  )
}

/** How a request names its source and its destination. */
export type DomainReference = { readonly name: string } | { readonly uuid: string }

/**
 * Reads a name, or `uuid:` and a UUID in lower case (reference: admin-api, 1.2 rule 7).
 * @throws QubesValueError, QubesVMInvalidUUIDError
 */
export function parseDomainReference(text: string): DomainReference {
  if (!text.startsWith(uuidPrefix)) return { name: parseDomainName(text) }
  const uuid = text.slice(uuidPrefix.length)
  if (!uuidShape.test(uuid)) throw new QubesVMInvalidUUIDError(msg`${quoted(text)} does not name a UUID`)
  return { uuid }
}

/** The reference as it stands in a request. */
export function formatDomainReference(reference: DomainReference): string {
  return 'name' in reference ? reference.name : uuidPrefix + reference.uuid
}

/** Name for a new domain. */
export const domainName: TextForm<string> = { syntax: '<name>', parse: parseDomainName, format: (name) => name }

/** Name of a domain that is looked up. */
export const knownDomain: TextForm<string> = anyText('<name>')

/** Name of a template that is looked up. */
export const templateName: TextForm<string> = anyText('<template>')
