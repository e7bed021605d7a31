import { describe, expect, it } from 'vitest'
import { isStatic } from './elf.mjs'

describe('isStatic', () => {
  it.each([
    ['/usr/bin/busybox', true],
    ['/usr/bin/env', false],
    [import.meta.filename, false],
  ])('%s: %s', (path, expected) => {
    expect(isStatic(path)).toBe(expected)
  })
})
