import { describe, expect, it } from 'vitest'
import { isStatic } from './elf.ts'

describe('isStatic', () => {
  it.each([
    ['/usr/bin/busybox', true],
    ['/usr/bin/env', false],
    [import.meta.filename, false],
  ])('%s: %s', async (path, expected) => {
    expect(await isStatic(path)).toBe(expected)
  })
})
