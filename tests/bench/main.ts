import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release } from 'node:os'
import { growthRows } from './growth.ts'
import { keep } from './keep.ts'
import { Limits } from './limits.ts'
import type { Effort } from './load.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { Report } from './report.ts'
import { Subject } from './subject.ts'
import type { Bench, PlainSuite, ScaledSuite } from './suite.ts'
import { cli } from './suites/cli.ts'
import { events } from './suites/events.ts'
import { guest } from './suites/guest.ts'
import { imports } from './suites/import.ts'
import { life } from './suites/life.ts'
import { reads } from './suites/reads.ts'
import { startup } from './suites/startup.ts'
import { writes } from './suites/writes.ts'

// `npm run bench`: measures the daemon, and the limits of the machine beside it. A missed aim is printed and is no failure: the
// exit status says whether everything could be measured.

const scaledSuites: readonly ScaledSuite[] = [startup, reads, writes, life, events, cli]
const plainSuites: readonly PlainSuite[] = [imports, guest]

const efforts: Readonly<Record<'quick' | 'full', Effort>> = {
  quick: { rounds: 1, seconds: 0.1 },
  full: { rounds: 3, seconds: 0.8 },
}

/** The status that a shell reports for a program that SIGINT ended. */
const interrupted = 130

/** Set by an interruption; failures after it are not reported. */
let stopping: Promise<void> | undefined

try {
  const names = [...scaledSuites, ...plainSuites].map(({ name }) => name)
  const options = parseOptions(process.argv.slice(2), names)
  if (options === 'help') console.log(usage)
  else await run(options)
} catch (error) {
  await stopping
  console.error(error instanceof Error ? error.stack : error)
  process.exitCode = 1
}

async function run(options: Options): Promise<void> {
  await using resources = new AsyncDisposableStack()
  const stop = (): void => {
    stopping ??= resources.disposeAsync().finally(() => process.exit(interrupted))
  }
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, stop)
  const report = new Report()
  const subject = await keep(
    resources,
    () => Subject.start(),
    (started) => started.remove(),
  )
  const limits = await keep(
    resources,
    () => Limits.open(subject.folder),
    (opened) => opened.close(),
  )
  const { quick, clients } = options
  const bench: Bench = { report, limits, resources, quick, clients, effort: efforts[quick ? 'quick' : 'full'] }
  await measureAll(subject, bench, options)
  for (const row of growthRows(report.rows)) report.add(row)
  console.log(report.toText())
  if (options.json !== undefined) await writeJson(options.json, report)
}

async function measureAll(subject: Subject, bench: Bench, { only, domains }: Options): Promise<void> {
  const wanted = ({ name }: { name: string }): boolean => only.length === 0 || only.includes(name)
  await measureScaled(subject, bench, scaledSuites.filter(wanted), domains)
  for (const { name, measure } of plainSuites.filter(wanted)) {
    progress(name)
    await measure(bench)
  }
}

async function measureScaled(
  subject: Subject,
  bench: Bench,
  suites: readonly ScaledSuite[],
  counts: readonly number[],
): Promise<void> {
  if (suites.length === 0) return
  for (const count of counts) {
    progress(`${count} domains`)
    await subject.grow(count)
    for (const { name, measure } of suites) {
      progress(`${count} domains: ${name}`)
      await measure(subject, bench)
    }
  }
}

/** Prints progress on standard error, so that standard output has the table alone. */
function progress(what: string): void {
  console.error(`… ${what}`)
}

async function writeJson(path: string, report: Report): Promise<void> {
  const machine = {
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    kernel: release(),
    node: process.versions.node,
  }
  await writeFile(path, `${JSON.stringify({ machine, rows: report.toJson(), notes: [...report.notes] }, null, 2)}\n`)
}
