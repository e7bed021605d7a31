import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Output } from './output.ts'

interface Printed {
  readonly stdout: string
  readonly stderr: string
}

function printed(isTTY: boolean, print: (output: Output) => void): Printed {
  const texts = { stdout: '', stderr: '' }
  const stream = (name: keyof Printed): Writable =>
    Object.assign(
      new Writable({
        write(chunk, _, done) {
          texts[name] += chunk
          done()
        },
      }),
      { isTTY, columns: 80 },
    )
  const [stdout, stderr] = [stream('stdout'), stream('stderr')]
  print(new Output({ stdout, stderr, colour: 'never', environment: {}, json: false, quiet: false }))
  return texts
}

describe('the door to the terminal', () => {
  it('lets no text control it', () => {
    const prints = [
      (output: Output, text: string) => output.line(text),
      (output: Output, text: string) => output.note(text),
      (output: Output, text: string) => output.done(text),
    ]
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...prints), (text, print) => {
        const { stdout, stderr } = printed(true, (output) => print(output, text))
        expect(stdout + stderr).not.toMatch(/[^\n\t\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      }),
    )
  })

  it('gives a program a result as it is', () => {
    expect(printed(false, (output) => output.line('a\tb\x1b[1m')).stdout).toBe('a\tb\x1b[1m\n')
  })

  it('makes controls in a note visible in a file as well, as a log is read on a terminal', () => {
    expect(printed(false, (output) => output.done('a\x1b[1m')).stderr).toBe('✓ a\\x1b[1m\n')
  })
})
