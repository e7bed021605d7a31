import { version } from './version.ts'

const words = process.argv.slice(2)

/** Runs the command line. A failure before errors can be reported is printed as one line, not as a stack trace. */
async function main(): Promise<number> {
  try {
    const { run } = await import('./run.ts')
    return await run(words)
  } catch (error) {
    const isIncomplete = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    const [reason = ''] = String(error).split('\n')
    const advice = isIncomplete ? '; this installation is not complete: `npm ci` in its folder repairs it' : ''
    process.stderr.write(`cloister: cannot start: ${reason}${advice}\n`)
    return 1
  }
}

// Scripts ask for the version most: it is printed without loading anything else.
if (words.length === 1 && words[0] === '--version') process.stdout.write(`cloister ${version}\n`)
else process.exitCode = await main()
