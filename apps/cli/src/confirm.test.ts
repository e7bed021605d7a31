import { nodeOs } from '@cloister/os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cloisterd } from '../../../tests/support/cloisterd.ts'
import { Cli } from './testing/cli.ts'
import { PseudoTerminal } from './testing/pseudo-terminal.ts'

let daemon: Cloisterd
let cli: Cli
const script = await nodeOs().processes.find('script')
if (script === undefined) console.info('script is not installed: questions are not tried on a terminal')

beforeAll(async () => {
  daemon = await Cloisterd.start()
  cli = new Cli(daemon.socket)
  await cli.ok('create', 'base', '--class', 'TemplateVM')
})
afterAll(() => daemon.remove())

async function answered(keys: string): Promise<string> {
  const command = `${cli.commandLine('remove', 'base')}; echo "status $?"`
  await using terminal = PseudoTerminal.start(script ?? '', command)
  await terminal.shows('Remove base and its volumes? [y/N] ')
  terminal.type(keys)
  await terminal.ended
  return terminal.text
}

describe.skipIf(script === undefined)('a question', () => {
  it.each([
    ['\r', 1],
    ['no\r', 1],
    ['\x04', 1],
    ['\x03', 130],
  ])('that is answered by %j is answered by no', async (keys, status) => {
    expect(await answered(keys)).toContain(`status ${status}`)
    expect(await cli.ok('ls', 'base', '-c', 'name', '--no-header')).toBe('base\n')
  })

  it('is answered by yes in full or short', async () => {
    const shown = await answered('Yes\r')
    expect(shown).toContain(' base removed')
    expect(shown).toContain('status 0')
  })
})
