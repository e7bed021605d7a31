import { styleText } from 'node:util'
import { errorChain } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { DemoDaemon } from './demo-daemon.ts'
import { Scratch } from './scratch.ts'
import { Story } from './story.ts'
import { Terminal } from './terminal.ts'

// `npm run demo`: Cloister from nothing to running domains, in a folder that is removed again, however it ends.

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
/** Exit status of a program that was ended by a signal, as a shell reports it, less the signal's number. */
const endedBySignal = 128

/** What a reader may try when the demo is over. */
const whatNext: readonly (readonly [command: string, what: string])[] = [
  ['bin/cloister doctor', 'what this host can do, and what is missing'],
  ['bin/cloisterd', 'the daemon, this time with a state that stays; --help tells where'],
  ['bin/cloister --help', 'the command line for it'],
  ['npm test', 'all tests; they boot guests too'],
]

const terminal = new Terminal(process.stdout)
const stop = new AbortController()
for (const [name, number] of Object.entries(signals)) {
  // A second Ctrl-C changes nothing: what is left behind would be worse than the few seconds until all is gone.
  process.on(name, () => {
    process.exitCode = endedBySignal + number
    stop.abort(new Error(`${name} received`))
  })
}
// Whoever reads has gone.
process.stdout.on('error', () => stop.abort())

try {
  await demo(stop.signal)
} catch (error) {
  process.exitCode ||= 1
  // A failure to clean up comes along with the error before it.
  const isClean = stop.signal.aborted && !(error instanceof SuppressedError)
  console.error(`${styleText('red', '✗')} ${isClean ? 'Stopped; nothing is left behind.' : errorChain(error)}`)
}

async function demo(signal: AbortSignal): Promise<void> {
  const start = performance.now()
  terminal.line(`${styleText('bold', 'Cloister')}: isolated domains on this machine.\n`)
  {
    await using scratch = await Scratch.make(nodeOs().processes)
    await using daemon = await terminal.step(`cloisterd, with everything of its own in ${scratch.path}`, () =>
      DemoDaemon.start(scratch.path, signal),
    )
    await new Story(daemon.client, terminal, signal).tell()
  }
  terminal.line(`All done in ${((performance.now() - start) / 1000).toFixed(0)} s; nothing is left behind.\n`)
  terminal.line('Try next:')
  for (const [command, what] of whatNext) terminal.line(`  ${command.padEnd(22)}${what}`)
}
