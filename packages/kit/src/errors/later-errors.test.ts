import { describe, expect, it } from 'vitest'
import { CloisterError, errorChain } from './cloister-error.ts'
import { endFailed, laterErrors } from './later-errors.ts'

describe('an operation that fails, and whose end fails too', () => {
  const first = (): CloisterError => new CloisterError('the disk is full')

  it('throws its first error, with the others attached', async () => {
    const error = first()
    const thrown = await endFailed(
      await endFailed(error, () => Promise.reject(new Error('the image stays'))).catch((e: unknown) => e),
      () => {
        throw new Error('the lock stays')
      },
    ).catch((e: unknown) => e)
    expect(thrown).toBe(error)
    expect(error.message).toBe('the disk is full')
    expect(laterErrors(error).map(String)).toEqual(['Error: the image stays', 'Error: the lock stays'])
    expect(errorChain(error)).toBe('the disk is full (then failed: the image stays; the lock stays)')
  })

  it('has no others when its end succeeds', async () => {
    const error = first()
    await expect(endFailed(error, () => {})).rejects.toBe(error)
    expect(laterErrors(error)).toEqual([])
    expect(errorChain(error)).toBe('the disk is full')
    await expect(endFailed('text', () => Promise.reject(new Error('x')))).rejects.toBe('text')
    expect(laterErrors('text')).toEqual([])
  })
})
