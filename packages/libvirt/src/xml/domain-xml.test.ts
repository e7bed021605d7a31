import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LibvirtError } from '../error.ts'
import { arbitraryDomain } from '../testing/arbitrary-domain.ts'
import { testHost } from '../testing/test-host.ts'
import { formatDomainXml } from './domain-format.ts'
import { parseDomainXml } from './domain-parse.ts'

/** Codes that bad XML may end in. */
const refusals = [27, 35, 67]

function refusal(text: string): number | undefined {
  try {
    parseDomainXml(text, testHost)
    return undefined
  } catch (error) {
    if (error instanceof LibvirtError) return error.code
    throw error
  }
}

describe('domain XML', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(arbitraryDomain, (definition) => {
        expect(parseDomainXml(formatDomainXml(definition), testHost)).toEqual(definition)
      }),
      { numRuns: 500 },
    )
  })

  it('of a running domain gives the same definition, but for sockets that the driver has made', () => {
    fc.assert(
      fc.property(arbitraryDomain, fc.integer({ min: 1 }), (definition, id) => {
        const { serials, consoles, channels } = definition.devices
        const ptys = [...serials, ...consoles, ...channels].filter(({ backend }) => backend === 'pty')
        const paths = new Map(ptys.map(({ alias }, at) => [alias, `/dev/pts/${at}`]))
        expect(parseDomainXml(formatDomainXml(definition, { id, paths }), testHost)).toEqual(definition)
      }),
    )
  })

  it('is read or refused, never anything else, however it is damaged', () => {
    const damage = fc.record({ at: fc.nat(), remove: fc.nat({ max: 12 }), insert: fc.string({ maxLength: 6 }) })
    fc.assert(
      fc.property(arbitraryDomain, damage, (definition, { at, remove, insert }) => {
        const whole = formatDomainXml(definition)
        const from = at % whole.length
        const code = refusal(whole.slice(0, from) + insert + whole.slice(from + remove))
        if (code !== undefined) expect(refusals).toContain(code)
      }),
      { numRuns: 1000 },
    )
  })

  it('with values of other places is read or refused, never anything else', () => {
    const odd = fc.constantFrom(
      '',
      ' ',
      '0',
      '-1',
      '99999999999999999999',
      '../../etc',
      '/',
      'none',
      'a,b=c',
      '\u2028',
      "'",
    )
    fc.assert(
      fc.property(arbitraryDomain, fc.nat(), odd, (definition, at, value) => {
        const pieces = formatDomainXml(definition).split(/('[^']*'|>[^<\n]+<)/)
        const which = (2 * at + 1) % pieces.length
        pieces[which] = pieces[which]?.startsWith('>') ? `>${value}<` : `"${value}"`
        const code = refusal(pieces.join(''))
        if (code !== undefined) expect(refusals).toContain(code)
      }),
      { numRuns: 1000 },
    )
  })
})
