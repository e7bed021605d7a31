import { basename, join } from 'node:path'
import { errorChain, formatXml, xml } from '@cloister/kit'
import { isTemporary, type ProcessIdentity, removeIfPresent, within } from '@cloister/os'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { parseUuid } from '../../../uuid.ts'
import { parseDomainXml } from '../../../xml/domain-parse.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import type { QemuRunState } from '../qmp/qmp-commands.ts'
import { DomainRun } from './domain-run.ts'
import { domainNameOf, findProcesses, userOf } from './find-processes.ts'
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

/**
 * Finds out what became of the runs of another daemon. A run is adopted when its process is still the same one, by start
 * time and boot of the host. Starts that were never finished are undone; of runs that ended meanwhile only the stored
 * configuration is left: such a domain is inactive, there is no event. A QEMU whose run is not known, as its record is
 * lost or damaged, is shown as a run that can only be destroyed.
 */
export async function findRemains(host: QemuHost): Promise<Remains[]> {
  const { records, hasDamaged } = await readRecords(host)
  const strays = await strayFolders(host, records)
  const mustSearch = hasDamaged || strays.size > 0 || records.some((record) => record.process === undefined)
  const processes = mustSearch ? await findProcesses(host) : new Map<string, ProcessIdentity>()
  const remains = await Promise.all(
    records.map((record) => examineOrReport(host, record, record.process ?? processes.get(record.uuid))),
  )
  for (const { uuid } of records) processes.delete(uuid)
  const lastId = Math.max(0, ...records.map(({ id }) => id))
  const unknown = [...processes].map(([uuid, process], at) => showUnknown(host, uuid, lastId + 1 + at, process))
  for (const [folder, uuid] of strays) if (!processes.has(uuid)) await host.os.files.removeTree(folder)
  return [...remains, ...(await Promise.all(unknown))]
}

async function readRecords({
  os: { files },
  places,
  log,
}: QemuHost): Promise<{ records: RunRecord[]; hasDamaged: boolean }> {
  const records: RunRecord[] = []
  let hasDamaged = false
  for (const name of await files.list(places.stateFolder)) {
    const path = join(places.stateFolder, name)
    if (isTemporary(name)) await removeIfPresent(files, path)
    if (parseUuid(basename(name, '.json')) === undefined) continue
    try {
      records.push(await readRunRecord(files, path))
    } catch (error) {
      hasDamaged = true
      log('error', 'a running domain cannot be adopted: its record cannot be read', { path, error: errorChain(error) })
    }
  }
  return { records, hasDamaged }
}

/** Run folders of domains without a record, and the uuids of the domains: starts that were cut short leave them. */
async function strayFolders(
  { os: { files }, places }: QemuHost,
  records: readonly RunRecord[],
): Promise<Map<string, string>> {
  const names = await files.list(places.runsFolder)
  const folders = new Map(names.map((name) => [join(places.runsFolder, name), places.uuidOfRunFolder(name)]))
  for (const { uuid } of records) folders.delete(places.runFolder(uuid))
  return folders
}

/** @param process the QEMU of the run, as far as one is known */
async function examineOrReport(host: QemuHost, record: RunRecord, process?: ProcessIdentity): Promise<Remains> {
  host.users.reserve(record.uid)
  const { uuid } = record
  const file = new RunRecordFile(host.os.files, host.places.record(uuid), record)
  const isAlive = process && record.bootId === host.os.host.bootId && (await isSame(host, process))
  try {
    return await examine(host, file, isAlive ? process : undefined)
  } catch (error) {
    host.log('error', 'a running domain cannot be adopted', { uuid, error: errorChain(error) })
    return isAlive ? { run: await uncontrolled(host, file, process) } : {}
  }
}

async function examine(host: QemuHost, file: RunRecordFile, process: ProcessIdentity | undefined): Promise<Remains> {
  const { record } = file
  const stored = record.stored === undefined ? {} : { stored: parseDomainXml(record.stored, host.os.host) }
  if (!process) {
    await host.cleanUp(file)
    return stored
  }
  const live = parseDomainXml(record.live, host.os.host)
  const run = new DomainRun(host, file, live, QemuProcess.found(host.os.processes, process))
  const isAdopted = record.process !== undefined && (await adopt(host, run))
  if (!isAdopted) await run.destroy()
  return isAdopted ? { ...stored, run } : stored
}

async function isSame(host: QemuHost, { pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await host.os.processes.identify(pid))?.startTime === startTime
}

/** A run of which there is only the process. */
async function showUnknown(host: QemuHost, uuid: string, id: number, process: ProcessIdentity): Promise<Remains> {
  const uid = await userOf(process, host)
  host.users.reserve(uid)
  const record = {
    bootId: host.os.host.bootId,
    uuid,
    id,
    ...(uid !== undefined && { uid }),
    process,
    paused: false,
    live: '',
    groups: host.groups.folders({ uuid }),
    links: [],
  }
  return { run: await uncontrolled(host, new RunRecordFile(host.os.files, host.places.record(uuid), record), process) }
}

/** A run whose definition is not known: it can only be destroyed. */
async function uncontrolled(host: QemuHost, file: RunRecordFile, process: ProcessIdentity): Promise<DomainRun> {
  const { uuid } = file.record
  const name = (await domainNameOf(process, host)) ?? uuid
  const definition = xml(
    'domain',
    { type: host.abilities.accelerator === 'kvm' ? 'kvm' : 'qemu' },
    xml('name', {}, name),
    xml('uuid', {}, uuid),
    xml('memory', {}, 1),
    xml('os', {}, xml('type', {}, 'hvm')),
  )
  const live = parseDomainXml(formatXml(definition), host.os.host)
  const run = new DomainRun(host, file, live, QemuProcess.found(host.os.processes, process))
  run.loseControl()
  const text = 'a domain runs whose configuration is not known: it can only be destroyed'
  host.log('error', text, { name, uuid, pid: process.pid })
  return run
}

/** Takes control of a running QEMU again; false when its start was never finished or it ended just now. */
async function adopt(host: QemuHost, run: DomainRun): Promise<boolean> {
  const { name, uuid } = run.definition
  const { clock } = host.os
  const takingOver = run.takeOver()
  try {
    const status = await within({ clock, ms: answerMs, what: "the answer of QEMU's monitor" }, takingOver)
    if (isUnfinished(run, status)) return false
    host.log('info', 'a running domain was adopted', { name, uuid, status })
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
    host.log('info', 'QEMU answers again: a running domain was adopted', { name, uuid, status })
    if (isUnfinished(run, status)) await run.destroy()
  } catch (error) {
    host.log('debug', 'a running domain was not adopted', { name, uuid, error: errorChain(error) })
  }
}

/** Whether the daemon that started the run died before it could let the guest run. */
function isUnfinished(run: DomainRun, status: QemuRunState): boolean {
  return status === 'prelaunch' && !run.record.record.paused
}
