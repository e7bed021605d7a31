import { errorChain, msg, utf8Text } from '@cloister/kit'
import { type Clock, type ExitStatus, errorCode, type Files, removeIfPresent, within } from '@cloister/os'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { DomainUnresponsiveError } from '../../../domain-unresponsive-error.ts'
import { LibvirtError } from '../../../error.ts'
import { formatDomainXml } from '../../../xml/domain-format.ts'
import type { ResourceLimits } from '../host/confinement.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import { type Accelerator, qemuInvocation, translationCacheMib } from '../machine/arguments.ts'
import { characterDevices } from '../machine/character-devices.ts'
import { DomainRun } from './domain-run.ts'
import { prepareMachine } from './prepare-machine.ts'
import { QemuProcess } from './qemu-process.ts'
import { type RunRecord, RunRecordFile } from './run-record.ts'

/** What is to be started. */
export interface StartOrder {
  readonly id: number
  readonly definition: DomainDefinition
  /** Domain XML of the next start, when the domain is persistent. */
  readonly stored?: string
  readonly paused: boolean
}

/** From the start of the program until its monitor has answered, ms. */
const readyMs = 30_000
/** Between two attempts to connect to the monitor, ms: QEMU takes about 40 to make it. */
const lookMs = 3
/** How long a QEMU that has closed its monitor may take to end, so that the error can give its exit status, ms. */
const statusMs = 1000
const largestLog = 1 << 20
/** How many lines of QEMU's output an error gives. */
const shownLines = 5

/**
 * Starts QEMU for a domain; when it returns the machine is ready, and its processors are stopped. When a step fails, all
 * that the earlier steps have made is removed.
 * @throws LibvirtError OPERATION_FAILED, INTERNAL_ERROR with the end of QEMU's output when QEMU has ended, CONFIG_UNSUPPORTED,
 * DomainUnresponsiveError
 */
export async function launch(host: QemuHost, order: StartOrder): Promise<DomainRun> {
  const accelerator = order.definition.type === 'kvm' ? 'kvm' : 'tcg'
  const { uuid } = order.definition
  const file = new RunRecordFile(host.os.files, host.places.record(uuid), firstRecord(host, order))
  let run: DomainRun | undefined
  try {
    const process = await startQemu(host, order, accelerator, file)
    run = new DomainRun(host, file, order.definition, process)
    await makeReady(host, run, accelerator)
    return run
  } catch (error) {
    const why = await describe(host, order.definition, run, error)
    await (run ? run.destroy() : host.cleanUp(file)).catch((failure) =>
      host.log('error', 'a failed start could not be undone', { uuid, error: errorChain(failure) }),
    )
    throw why
  }
}

function firstRecord(host: QemuHost, { id, definition, stored, paused }: StartOrder): RunRecord {
  const uid = host.users.take()
  const { os } = host
  return {
    bootId: os.host.bootId,
    uuid: definition.uuid,
    id,
    ...(uid !== undefined && { uid }),
    paused,
    live: formatDomainXml(definition),
    ...(stored !== undefined && { stored }),
    groups: host.groups.folders(definition),
    links: characterDevices(definition.devices).flatMap((one) => one.definition.path ?? []),
  }
}

async function startQemu(
  host: QemuHost,
  { definition }: StartOrder,
  accelerator: Accelerator,
  file: RunRecordFile,
): Promise<QemuProcess> {
  const { uid } = file.record
  const user = host.users.user(uid, accelerator)
  const [plan] = await Promise.all([prepareMachine(host, definition, accelerator, user), file.write()])
  const { args, inherit } = qemuInvocation(plan)
  const started = await host.os.processes.startDetached([definition.devices.emulator ?? host.emulator, ...args], {
    log: host.places.log(definition.uuid),
    inherit,
    ...user,
  })
  return QemuProcess.started(host.os.processes, started)
}

/** Everything between the start of the program and the guest's first instruction. */
async function makeReady(host: QemuHost, run: DomainRun, accelerator: Accelerator): Promise<void> {
  const { definition, process } = run
  const limits = resourceLimits(definition, accelerator)
  await host.groups.confine(definition, process.identity.pid, limits)
  await connectToMonitor(run, host.os.clock)
  // QEMU has made its sockets; from now on it cannot put other files in their place.
  if (run.record.record.uid !== undefined) {
    await host.os.files.setOwner(host.places.runFolder(definition.uuid), host.os.host.uid, 0)
  }
  await linkSockets(host, run)
  if (definition.devices.balloon && definition.memory < definition.maxMemory)
    await run.execute('balloon', { value: definition.memory * 1024 })
  await run.record.write((record) => ({ ...record, process: process.identity }))
}

/** The limits of a QEMU: the memory of its machine and what QEMU needs itself (reference: storage-and-lifecycle, C.5). */
function resourceLimits({ maxMemory, vcpus }: DomainDefinition, accelerator: Accelerator): ResourceLimits {
  const fixed = 256 + (accelerator === 'tcg' ? translationCacheMib : 0)
  return { memory: Math.ceil(maxMemory * 1.15) * 1024 + fixed * 2 ** 20, tasks: vcpus + 128, processors: vcpus + 1 }
}

/** Waits until QEMU takes commands. */
async function connectToMonitor(run: DomainRun, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + readyMs
  await awaitSocket(run, clock, deadline)
  const what = "the greeting of QEMU's monitor"
  const onLate = (): Error => unresponsive(run, `its monitor has not greeted within ${readyMs / 1000} s`)
  await within({ clock, ms: Math.max(0, deadline - clock.monotonic()), what, onLate }, run.handshake())
}

/** Connects to the monitor's socket as soon as QEMU has made it. */
async function awaitSocket(run: DomainRun, clock: Clock, deadline: number): Promise<void> {
  let isGone = false
  void run.process.gone().then(() => {
    isGone = true
  })
  for (;;) {
    try {
      return await run.connect()
    } catch (cause) {
      const isEarly = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(cause) ?? '')
      if (!isEarly || isGone) throw cause
      if (clock.monotonic() > deadline)
        throw unresponsive(run, `it has not made its monitor within ${readyMs / 1000} s`, cause)
    }
    await clock.sleep(lookMs)
  }
}

function unresponsive({ definition }: DomainRun, why: string, cause?: unknown): DomainUnresponsiveError {
  return new DomainUnresponsiveError('QEMU', definition.name, why, { cause })
}

/** Gives sockets the names that the definition asks for: QEMU itself may not write outside of its folder. */
async function linkSockets({ os: { files }, places }: QemuHost, { definition }: DomainRun): Promise<void> {
  for (const { definition: device, socket } of characterDevices(definition.devices)) {
    if (device.path === undefined) continue
    if ((await files.stat(device.path))?.kind === 'socket') await removeIfPresent(files, device.path)
    await files.link(`${places.runFolder(definition.uuid)}/${socket}`, device.path)
  }
}

/** The error of a start that failed: with the end of QEMU's output when QEMU has ended, else the cause. */
async function describe(
  host: QemuHost,
  { name, uuid }: DomainDefinition,
  run: DomainRun | undefined,
  cause: unknown,
): Promise<unknown> {
  const status = run && (await endedWith(run, host.os.clock))
  if (status) {
    const how = status.code === null ? `was ended by ${status.signal}` : `ended with status ${status.code}`
    const words = await lastWords(host.os.files, host.places.log(uuid))
    return new LibvirtError('INTERNAL_ERROR', msg`QEMU ${how} while starting '${name}': ${words}`, {
      cause,
      domain: 'QEMU',
    })
  }
  if (cause instanceof LibvirtError) return cause
  const text = msg`cannot start domain '${name}': ${errorChain(cause)}`
  return new LibvirtError('OPERATION_FAILED', text, { cause, domain: 'QEMU' })
}

async function endedWith({ process }: DomainRun, clock: Clock): Promise<ExitStatus | undefined> {
  return (await process.goneWithin(statusMs, clock)) ? process.gone() : undefined
}

/** The last lines of QEMU's log, without times and program names. */
async function lastWords(files: Files, log: string): Promise<string> {
  // Safe to ignore: without a log the error only lacks QEMU's words.
  const text = utf8Text(await files.read(log, largestLog).catch(() => new Uint8Array())) ?? ''
  const lines = text.split('\n').map((line) => line.replace(/^\S+Z /, '').replace(/^qemu-system-\S+: /, ''))
  const said = lines.filter((line) => line.trim() !== '').slice(-shownLines)
  return said.length === 0 ? 'it said nothing' : said.join('; ')
}
