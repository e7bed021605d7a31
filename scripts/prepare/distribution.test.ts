import { describe, expect, it } from 'vitest'
import { familyOf } from './distribution.mjs'

describe('familyOf', () => {
  it.each([
    ['PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n', 'debian'],
    ['ID=ubuntu\nID_LIKE=debian\n', 'ubuntu'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'ubuntu'],
    ['ID=raspbian\nID_LIKE=debian\n', 'debian'],
    ['ID=fedora\nVARIANT_ID=debian\n', 'other'],
    ['', 'other'],
  ])('%j is %s', (text, family) => {
    expect(familyOf(text)).toBe(family)
  })
})
