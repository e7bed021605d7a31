import { version } from './version.ts'

const words = process.argv.slice(2)

// What scripts ask most is answered before anything else is read.
if (words.length === 1 && words[0] === '--version') process.stdout.write(`cloister ${version}\n`)
else process.exitCode = await (await import('./run.ts')).run(words)
