import { describe, expect, it } from 'vitest'
import { UndoStack } from './undo-stack.ts'

describe('an undo stack', () => {
  async function operation(steps: readonly string[], options: { fails?: boolean; broken?: string } = {}) {
    const undone: string[] = []
    const failed: string[] = []
    const run = async (): Promise<void> => {
      await using stack = new UndoStack((what, error) => failed.push(`${what}: ${String(error)}`))
      for (const step of steps) {
        stack.add(step, async () => {
          if (step === options.broken) throw new Error('broken')
          undone.push(step)
        })
      }
      if (options.fails) throw new Error('the operation failed')
      stack.commit()
    }
    const outcome = await run().then(
      () => 'done',
      (error: Error) => error.message,
    )
    return { undone, failed, outcome }
  }

  it('undoes nothing after a commit', async () => {
    expect(await operation(['a', 'b'])).toEqual({ undone: [], failed: [], outcome: 'done' })
  })

  it('undoes the steps of an operation that failed, the last one first', async () => {
    const result = await operation(['a', 'b', 'c'], { fails: true })
    expect(result).toEqual({ undone: ['c', 'b', 'a'], failed: [], outcome: 'the operation failed' })
  })

  it('undoes the others when one step cannot be undone, and keeps the error of the operation', async () => {
    const result = await operation(['a', 'b', 'c'], { fails: true, broken: 'b' })
    expect(result).toEqual({ undone: ['c', 'a'], failed: ['b: Error: broken'], outcome: 'the operation failed' })
  })
})
