import { describe, expect, it } from 'vitest'
import { paint, paintLabel, paintState, wantsColour } from './colour.ts'

describe('colours', () => {
  it.each([
    ['auto', true, {}, true],
    ['auto', false, {}, false],
    ['auto', true, { NO_COLOR: '1' }, false],
    ['auto', true, { NO_COLOR: '' }, true],
    ['auto', true, { TERM: 'dumb' }, false],
    ['always', false, { NO_COLOR: '1' }, true],
    ['never', true, {}, false],
  ] as const)('%s, on a terminal %s, with %j: %s', (choice, isTerminal, environment, wanted) => {
    expect(wantsColour({ choice, isTerminal, environment })).toBe(wanted)
  })

  it('follow the meaning of a word, and leave words without one alone', () => {
    expect(paintState('Running')).toBe(paint('green', 'Running'))
    expect(paintLabel('blue')).toBe(paint('blue', 'blue'))
    expect(paintLabel('pink')).toBe('pink')
    expect(paint('red', '')).toBe('')
  })
})
