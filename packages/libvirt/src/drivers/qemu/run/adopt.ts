import { basename, join } from 'node:path'
import { errorChain, utf8Text } from '@cloister/kit'
import { type Files, isTemporary, type ProcessIdentity, removeIfPresent, within } from '@cloister/os'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { parseUuid } from '../../../uuid.ts'
import { parseDomainXml } from '../../../xml/domain-parse.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import type { QemuRunState } from '../qmp/qmp-commands.ts'
import { DomainRun } from './domain-run.ts'
import { tokenVariable } from './launch.ts'
import { QemuProcess } from './qemu-process.ts'
import { type RunRecord, RunRecordFile, readRunRecord } from './run-record.ts'

/** What another daemon has left of a domain: a run that has not ended, a stored configuration, or both. */
export interface Remains {
  readonly run?: DomainRun
  readonly stored?: DomainDefinition
}

/** How long a QEMU may take to answer before the driver opens without it, ms: all are asked at once. */
const answerMs = 3000
/** A QEMU that does not answer may be about to end, ms. */
const lastBreathMs = 2000
const largestEnvironment = 4 << 20

/**
 * Finds out what became of the runs of a daemon before us. A run goes on when the process is still the same one, by start
 * time and boot of the host. Starts that were never finished are undone; of runs that ended meanwhile nothing is left but
 * the stored configuration: such a domain is simply inactive, there is no event.
 */
export async function findRemains(host: QemuHost): Promise<Remains[]> {
  const records = await readRecords(host)
  const unfinished = records.some((record) => record.process === undefined)
  const processes = unfinished ? await processesByToken(host) : new Map<string, ProcessIdentity>()
  const remains = await Promise.all(records.map((record) => examineOrReport(host, record, processes.get(record.token))))
  await removeStrayFolders(host)
  return remains
}

async function readRecords({ os: { files }, places, log }: QemuHost): Promise<RunRecord[]> {
  const records: RunRecord[] = []
  for (const name of await files.list(places.stateFolder)) {
    const path = join(places.stateFolder, name)
    if (isTemporary(name)) await removeIfPresent(files, path)
    if (parseUuid(basename(name, '.json')) === undefined) continue
    try {
      records.push(await readRunRecord(files, path))
    } catch (error) {
      log('error', 'a domain cannot be taken up again: its record is damaged', { path, error: errorChain(error) })
    }
  }
  return records
}

async function examineOrReport(host: QemuHost, record: RunRecord, unrecorded?: ProcessIdentity): Promise<Remains> {
  try {
    return await examine(host, record, unrecorded)
  } catch (error) {
    const { uuid } = record
    host.log('error', 'a domain cannot be taken up again, and is left alone', { uuid, error: errorChain(error) })
    return {}
  }
}

async function examine(host: QemuHost, record: RunRecord, unrecorded: ProcessIdentity | undefined): Promise<Remains> {
  host.users.reserve(record.uid)
  const file = new RunRecordFile(host.os.files, host.places.record(record.uuid), record)
  const stored = record.stored === undefined ? {} : { stored: parseDomainXml(record.stored, host.os.host) }
  const identity = record.process ?? unrecorded
  const isAlive = identity && record.bootId === host.os.host.bootId && (await isSame(host, identity))
  if (!identity || !isAlive) {
    await host.cleanUp(file)
    return stored
  }
  const run = new DomainRun(
    host,
    file,
    parseDomainXml(record.live, host.os.host),
    QemuProcess.found(host.os.processes, identity),
  )
  const goesOn = record.process !== undefined && (await takeUp(host, run))
  if (!goesOn) await run.destroy()
  return goesOn ? { ...stored, run } : stored
}

async function isSame(host: QemuHost, { pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await host.os.processes.identify(pid))?.startTime === startTime
}

/** Takes control of a running QEMU again; false when its start was never finished or it ended just now. */
async function takeUp(host: QemuHost, run: DomainRun): Promise<boolean> {
  const { name, uuid } = run.definition
  const { clock } = host.os
  const takingOver = run.takeOver()
  try {
    const status = await within({ clock, ms: answerMs, what: "the answer of QEMU's monitor" }, takingOver)
    if (isUnfinished(run, status)) return false
    host.log('info', 'a running domain is taken up again', { name, uuid, status })
  } catch (error) {
    if (await run.process.goneWithin(lastBreathMs, clock)) return false
    run.loseControl()
    const text = 'QEMU of a running domain does not answer: the domain can only be destroyed until QEMU answers'
    host.log('error', text, { name, uuid, error: errorChain(error) })
    void followUp(host, run, takingOver)
  }
  return true
}

/** Waits for a QEMU that did not answer in time. */
async function followUp(host: QemuHost, run: DomainRun, takingOver: Promise<QemuRunState>): Promise<void> {
  const { name, uuid } = run.definition
  try {
    const status = await takingOver
    host.log('info', 'QEMU answers again: a running domain is taken up again', { name, uuid, status })
    if (isUnfinished(run, status)) await run.destroy()
  } catch (error) {
    host.log('debug', 'a running domain was not taken up again', { name, uuid, error: errorChain(error) })
  }
}

/** Whether the daemon that started the run died before it could let the guest run. */
function isUnfinished(run: DomainRun, status: QemuRunState): boolean {
  return status === 'prelaunch' && !run.record.record.paused
}

/** Our QEMUs by the token of their run: of a start that was cut short only the environment tells. */
async function processesByToken({ os: { files, processes } }: QemuHost): Promise<Map<string, ProcessIdentity>> {
  const found = new Map<string, ProcessIdentity>()
  for (const pid of (await files.list('/proc')).filter((name) => /^\d+$/.test(name))) {
    const token = await tokenOf(files, pid)
    const identity = token && (await processes.identify(Number(pid)))
    if (token && identity) found.set(token, identity)
  }
  return found
}

async function tokenOf(files: Files, pid: string): Promise<string | undefined> {
  try {
    const environment = utf8Text(await files.read(`/proc/${pid}/environ`, largestEnvironment)) ?? ''
    const entry = environment.split('\0').find((one) => one.startsWith(`${tokenVariable}=`))
    return entry?.slice(tokenVariable.length + 1)
  } catch {
    // gone, or somebody else's: not one of ours
    return undefined
  }
}

/** Run folders without a record are of starts that were cut short before anything happened. */
async function removeStrayFolders({ os: { files }, places }: QemuHost): Promise<void> {
  const uuids = (await files.list(places.stateFolder)).flatMap((name) => parseUuid(basename(name, '.json')) ?? [])
  const claimed = new Set(uuids.map((uuid) => basename(places.runFolder(uuid))))
  for (const name of await files.list(places.runsFolder))
    if (!claimed.has(name)) await files.removeTree(join(places.runsFolder, name))
}
