import { CloisterError, msg } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { LibvirtError } from './error.ts'
import { errorNumbers } from './error-numbers.ts'

describe('LibvirtError', () => {
  it('has what goes over the wire', () => {
    const error = new LibvirtError('NO_DOMAIN', msg`no domain with matching name '${'nosuch'}'`, { domain: 'TEST' })
    expect(error).toBeInstanceOf(CloisterError)
    expect(error).toMatchObject({
      name: 'LibvirtError',
      message: "Domain not found: no domain with matching name 'nosuch'",
      kind: 'NO_DOMAIN',
      code: 42,
      libvirtCode: 42,
      domain: 12,
      level: 2,
      str1: 'Domain not found: %s',
      str2: "no domain with matching name 'nosuch'",
    })
  })

  it('keeps the format constant and the fields apart', () => {
    expect(new LibvirtError('XML_ERROR', msg`100 % of '${'%s $& x'}'`).text).toEqual({
      format: "XML error: 100 %% of '%s'",
      fields: ['%s $& x'],
    })
  })

  it('takes plain text as it is', () => {
    expect(new LibvirtError('INTERNAL_ERROR', '50% $& %s').message).toBe('internal error: 50% $& %s')
  })

  it('keeps the cause and comes from nowhere unless told', () => {
    const cause = new Error('below')
    expect(new LibvirtError('SYSTEM_ERROR', 'above', { cause })).toMatchObject({ cause, domain: 0 })
  })

  it('has one place for the detail in every template, and one number for every name', () => {
    const entries = Object.values(errorNumbers)
    for (const { template } of entries) expect(template.split('%').length).toBe(2)
    expect(new Set(entries.map(({ code }) => code)).size).toBe(entries.length)
  })
})
