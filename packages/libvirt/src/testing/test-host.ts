import type { DomainXmlHost } from '../xml/domain-xml-host.ts'

/** A host whose random bytes are 0, 1, 2, … */
export const testHost: DomainXmlHost = {
  architecture: 'x64',
  random: (count) => Uint8Array.from({ length: count }, (_, at) => at),
}
