import { styleText } from 'node:util'
import { errorChain } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { DemoDaemon } from './demo-daemon.ts'
import { Scratch } from './scratch.ts'
import { Story } from './story.ts'
import { Terminal } from './terminal.ts'

// `npm run demo` shows Cloister from an empty state to running domains, in a folder that is removed at the end, also after
// a failure or a signal.

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
/** A shell reports a program that a signal ended with this status plus the number of the signal. */
const endedBySignal = 128

/** Commands that are suggested at the end of the demo. */
const whatNext: readonly (readonly [command: string, what: string])[] = [
  ['bin/cloister doctor', 'checks what this host has and what is missing'],
  ['bin/cloisterd', 'starts the daemon with a lasting state; --help tells where'],
  ['bin/cloister --help', 'lists the commands for domains'],
  ['npm test', 'runs all tests, some of which boot guests'],
]

const terminal = new Terminal(process.stdout)
const stop = new AbortController()
for (const [name, number] of Object.entries(signals)) {
  // A second Ctrl-C changes nothing: the clean-up takes a few seconds and is always finished.
  process.on(name, () => {
    process.exitCode = endedBySignal + number
    stop.abort(new Error(`${name} received`))
  })
}
// The reader of the output has closed it.
process.stdout.on('error', () => stop.abort())

try {
  await demo(stop.signal)
} catch (error) {
  process.exitCode ||= 1
  // A SuppressedError holds a failure of the clean-up beside the error before it.
  const isClean = stop.signal.aborted && !(error instanceof SuppressedError)
  console.error(
    `${styleText('red', '✗')} ${isClean ? 'Stopped; all files of the demo are removed.' : errorChain(error)}`,
  )
}

async function demo(signal: AbortSignal): Promise<void> {
  const start = performance.now()
  terminal.line(`${styleText('bold', 'Cloister')}: isolated domains on this machine.\n`)
  {
    await using scratch = await Scratch.make(nodeOs().processes)
    await using daemon = await terminal.step(`cloisterd, with all its files in ${scratch.path}`, () =>
      DemoDaemon.start(scratch.path, signal),
    )
    await new Story(daemon.client, terminal, signal).tell()
  }
  terminal.line(
    `All done in ${((performance.now() - start) / 1000).toFixed(0)} s; all files of the demo are removed.\n`,
  )
  terminal.line('Try next:')
  for (const [command, what] of whatNext) terminal.line(`  ${command.padEnd(22)}${what}`)
}
