import { describe, expect, it } from 'vitest'
import { dependencyNames } from './apt.ts'

describe('dependencyNames', () => {
  it('takes what is needed, of alternatives too, and leaves virtual packages', () => {
    const output = [
      'linux-image-6.8.0-31-generic',
      '  PreDepends: dpkg',
      ' |Depends: kmod',
      '  Depends: <linux-initramfs-tool>',
      '    initramfs-tools',
      '  Depends: linux-modules-6.8.0-31-generic',
      '  Recommends: grub-pc',
    ].join('\n')
    expect(dependencyNames(output)).toEqual(['dpkg', 'kmod', 'linux-modules-6.8.0-31-generic'])
  })
})
