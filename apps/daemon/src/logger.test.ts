import { constants, openSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { ModelledClock, nodeOs } from '@cloister/os'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogSink } from './log-sink.ts'
import { logWriter } from './log-writers.ts'
import { openLogger, visibleJson } from './logger.ts'

const { clock, processes } = nodeOs()
let folder: string

beforeEach(async () => {
  folder = await mkdtemp('/tmp/cloister-log-')
})
afterEach(() => rm(folder, { recursive: true }))

const long = { text: 'x'.repeat(1000) }

describe('the log', () => {
  it('of a pipe that is not read: lines wait, then are dropped and counted, and the count is told', async () => {
    await processes.run(['mkfifo', `${folder}/pipe`])
    const reader = await open(`${folder}/pipe`, constants.O_RDONLY | constants.O_NONBLOCK)
    const logger = openLogger('info', logWriter(openSync(`${folder}/pipe`, 'w')), clock)
    for (let count = 0; count < 5000; count++) logger.info(`line ${count}`, long)
    await logger.flush()
    let text = ''
    const lines = (): string[] => text.split('\n').slice(0, -1)
    await expect
      .poll(
        async () => {
          const { buffer, bytesRead } = await reader
            .read(Buffer.alloc(1 << 20), 0, 1 << 20)
            .catch(() => ({ buffer: Buffer.alloc(0), bytesRead: 0 }))
          text += buffer.toString('utf8', 0, bytesRead)
          return lines().at(-1) ?? ''
        },
        { timeout: 20_000, interval: 5 },
      )
      .toContain('lines of the log were dropped')
    const { lines: dropped } = JSON.parse(lines().at(-1) ?? '')
    expect(lines().length - 1 + dropped).toBe(5000)
    // Those that were kept are whole, and in order.
    const numbers = lines()
      .slice(0, -1)
      .map((line) => Number(JSON.parse(line).message.slice(5)))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    await reader.close()
  })

  it('to a pipe without a reader, or to a full disk, fails no caller', async () => {
    await processes.run(['mkfifo', `${folder}/pipe`])
    const reader = await open(`${folder}/pipe`, constants.O_RDONLY | constants.O_NONBLOCK)
    const pipe = logWriter(openSync(`${folder}/pipe`, 'w'))
    await reader.close()
    for (const writer of [pipe, logWriter(openSync('/dev/full', 'w'))]) {
      const logger = openLogger('info', writer, clock)
      for (let count = 0; count < 3000; count++) logger.info('line', long)
      const begin = performance.now()
      await logger.flush()
      expect(performance.now() - begin).toBeLessThan(5000)
    }
  })

  it('continues after a failed write where it stopped, and never splits a line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -1, max: 30 }), { maxLength: 30 }), async (steps) => {
        const time = new ModelledClock()
        let written = ''
        const plan = [...steps]
        const writer = {
          write: async (chunk: Uint8Array): Promise<number> => {
            const most = plan.shift() ?? chunk.length
            if (most < 0) throw new Error('ENOSPC')
            written += Buffer.from(chunk.subarray(0, most)).toString()
            return Math.min(most, chunk.length)
          },
        }
        const sink = new LogSink(writer, time, (count) => `${count} dropped\n`)
        const lines = ['one\n', 'two and more\n', 'three\n', 'four\n']
        for (const line of lines) sink.write(line)
        for (let turn = 0; turn < 400 && written.length < lines.join('').length; turn++) {
          time.advance(500)
          await new Promise(setImmediate)
        }
        expect(written).toBe(lines.join(''))
      }),
      { numRuns: 50 },
    )
  })
})

describe('a line of the log', () => {
  it('holds no character that drives a terminal, and says what it said', () => {
    const texts = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\u009b', '\x1b', '\x7f', '\u202e', '\u2066', '\u2028', '\ufeff', '\u{e0001}', '\n'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    })
    fc.assert(
      fc.property(texts, (text) => {
        const line = visibleJson(JSON.stringify({ text }))
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(JSON.parse(line)).toEqual({ text })
      }),
      { numRuns: 300 },
    )
  })

  it('is made so by the logger, from messages and details', async () => {
    let written = ''
    const writer = {
      write: async (chunk: Uint8Array): Promise<number> => {
        written += Buffer.from(chunk).toString()
        return chunk.length
      },
    }
    const logger = openLogger('info', writer, clock)
    logger.warn('a \u009b31m \u202e name', { domain: 'x\x7f', error: new Error('\u2028') })
    await logger.flush()
    expect(written.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(written)).toMatchObject({ message: 'a \u009b31m \u202e name', domain: 'x\x7f', error: '\u2028' })
  })
})
