import { isDomainName } from '@cloister/admin-protocol'
import { UsageError } from './cli-error.ts'
import type { Completion } from './command.ts'

/** Kinds of arguments that are names: a request carries them in its header, where a space ends an argument. */
const nameKinds: ReadonlySet<Completion> = new Set([
  'class',
  'domain',
  'driver',
  'feature',
  'label',
  'pool',
  'property',
  'revision',
  'tag',
  'template',
  'volume',
])

/** Spaces of all kinds, and controls. */
const unfit = /[\s\p{Cc}]/u

/** The text as a name that a request can carry. `name` is what the argument or option is called. @throws UsageError */
export function checkedName(text: string, name: string): string {
  if (text === '') throw new UsageError(`${name} is empty`)
  if (unfit.test(text)) throw new UsageError(`${name} is "${text}": a name has no spaces`)
  return text
}

/** The text of an argument that is completed as `complete`. @throws UsageError for a name that no request can carry */
export function checkedWord(text: string, name: string, complete: Completion | undefined): string {
  return complete !== undefined && nameKinds.has(complete) ? checkedName(text, name) : text
}

/** How the name of a domain is written, for help. */
export const domainNameForm = 'a letter, then letters, digits, "_", "." and "-"; 31 characters at most'

/** The name of a new domain. @throws UsageError when no domain can have it */
export function checkedDomainName(text: string, name: string): string {
  if (isDomainName(text)) return text
  const reserved = 'and not "none", "default", "Domain-0" or a name that ends in "-dm"'
  throw new UsageError(
    `${name} is "${text}", which no domain can be called`,
    `a name is ${domainNameForm}, ${reserved}`,
  )
}
