import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Output, type TextStream } from './output.ts'
import { Spinner } from './spinner.ts'
import { TransferProgress } from './transfer-progress.ts'

const erased = '\r\x1b[K'

interface Screen {
  readonly output: Output
  text(): string
}

function screen(options: { readonly isTTY: boolean; readonly quiet?: boolean; readonly columns?: number }): Screen {
  const stream = new PassThrough()
  const terminal: TextStream = Object.assign(stream, { isTTY: options.isTTY, columns: options.columns ?? 80 })
  const output = new Output({
    stdout: terminal,
    stderr: terminal,
    colour: 'never',
    environment: {},
    json: false,
    quiet: options.quiet ?? false,
  })
  const text = (): string => {
    let all = ''
    for (let piece = stream.read(); piece !== null; piece = stream.read()) all += piece
    return all
  }
  return { output, text }
}

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'] }),
)
afterEach(() => void vi.useRealTimers())

describe('the spinner', () => {
  it('turns on a terminal when something takes a while, and leaves nothing', () => {
    const { output, text } = screen({ isTTY: true })
    {
      using spinner = new Spinner(output, 'starting work')
      vi.advanceTimersByTime(150)
      expect(text()).toBe('')
      vi.advanceTimersByTime(100)
      expect(text().replace(erased, '|')).toBe('|⠙ starting work')
      spinner.interrupt(() => output.note('in between'))
      expect(text()).toBe(`${erased}in between\n`)
      vi.advanceTimersByTime(100)
    }
    expect(text().endsWith(`⠹ starting work${erased}`)).toBe(true)
    vi.advanceTimersByTime(1000)
    expect(text()).toBe('')
  })

  it('fits a narrow terminal, and stays away from files and from those who want quiet', () => {
    const narrow = screen({ isTTY: true, columns: 12 })
    using _ = new Spinner(narrow.output, 'starting a domain')
    const file = screen({ isTTY: false })
    using _file = new Spinner(file.output, 'x')
    const quiet = screen({ isTTY: true, quiet: true })
    using _quiet = new Spinner(quiet.output, 'x')
    vi.advanceTimersByTime(1000)
    expect(narrow.text()).toContain(' starting…')
    expect(file.text() + quiet.text()).toBe('')
  })
})

describe('the progress of a transfer', () => {
  async function* pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < count; at++) {
      vi.advanceTimersByTime(100)
      yield new Uint8Array(1 << 20)
    }
  }

  it('is a bar on a terminal', async () => {
    const { output, text } = screen({ isTTY: true, columns: 100 })
    {
      using progress = new TransferProgress(output, 'importing x', 4n << 20n)
      let count = 0
      for await (const piece of progress.count(pieces(4))) count += piece.length
      expect(count).toBe(4 << 20)
      expect(progress.summary()).toBe('4.0 MiB in 0.4 s')
    }
    const frames = text().split(erased)
    expect(frames.at(-2)).toMatch(/^importing x ━{15}─{5} 75 % {2}3\.0 MiB of 4\.0 MiB {2}.*\/s {2}0:0\d left$/)
    expect(frames.at(-1)).toBe('')
  })

  it('is a line now and then elsewhere', async () => {
    const { output, text } = screen({ isTTY: false })
    using progress = new TransferProgress(output, 'importing x', undefined)
    let count = 0
    for await (const piece of progress.count(pieces(250))) count += piece.length
    expect(count).toBe(250 << 20)
    expect(text()).toBe('importing x: 99.0 MiB  9.9 MiB/s\nimporting x: 199.0 MiB  9.9 MiB/s\n')
  })
})
