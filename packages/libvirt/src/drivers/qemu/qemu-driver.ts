import { errorChain, type Message, msg } from '@cloister/kit'
import type { DomainDefinition } from '../../domain-definition.ts'
import type {
  ConsoleStream,
  CreateFlags,
  DomainHandle,
  DomainInfo,
  DomainMemoryStats,
  DomainStateAndReason,
  Driver,
  DriverCapabilities,
  LifecycleEvent,
  Subscription,
} from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { lifecycleDetails } from '../../lifecycle-details.ts'
import { stateReasons } from '../../state-reasons.ts'
import { formatUri, type LibvirtUri } from '../../uri.ts'
import { formatDomainXml } from '../../xml/domain-format.ts'
import { parseDomainXml } from '../../xml/domain-parse.ts'
import { DomainTable } from '../domain-table.ts'
import type { DriverEnvironment } from '../driver-environment.ts'
import { LifecycleListeners } from '../lifecycle-listeners.ts'
import { LogKeeper } from './host/log-keeper.ts'
import { QemuHost } from './host/qemu-host.ts'
import { readQemuVersion } from './host/qemu-version.ts'
import { diskId } from './machine/disk-arguments.ts'
import { refuseUnsupported } from './machine/unsupported.ts'
import { QemuDomain } from './qemu-domain.ts'
import { readSettings } from './qemu-settings.ts'
import { findRemains, type Remains } from './run/adopt.ts'
import { readCpuTime } from './run/cpu-time.ts'
import type { DomainRun, RunOwner } from './run/domain-run.ts'
import { launch } from './run/launch.ts'
import { readMemoryStats } from './run/memory-stats.ts'
import { endNotice, type LifecycleNotice, shutoffState } from './run/run-state.ts'

/** A guest repeats the request that a full disk has stopped at once; whether the request fails again is seen in this time, ms. */
const repeatedRequestMs = 1000

/**
 * Opens the driver that runs QEMU itself: `qemu:///embed?root=DIR`. It adopts guests of an earlier daemon that still run;
 * guests keep running when the connection is closed.
 * @throws LibvirtError INVALID_ARG, OPERATION_FAILED
 */
export async function openQemuDriver(uri: LibvirtUri, environment: DriverEnvironment): Promise<Driver> {
  const host = await QemuHost.open(readSettings(uri), environment)
  try {
    return new QemuDriver(formatUri(uri), host, await findRemains(host))
  } catch (error) {
    await host.close()
    throw error
  }
}

/**
 * Domains as processes of QEMU, each confined and independent of the life of our process. Stored configurations are kept in
 * memory, and on disk only for domains that run: every other domain must be defined again after a restart of the daemon.
 */
class QemuDriver implements Driver, RunOwner {
  readonly uri: string
  readonly type = 'QEMU'
  /** The driver runs in this process: the connection to it cannot be lost. */
  readonly closed: Promise<Error> = new Promise<Error>(() => {})
  readonly #host: QemuHost
  readonly #domains = new DomainTable<QemuDomain>('QEMU')
  readonly #listeners: LifecycleListeners
  readonly #logs: LogKeeper
  #lastId = 0
  #version: Promise<number> | undefined

  constructor(uri: string, host: QemuHost, remains: readonly Remains[]) {
    this.uri = uri
    this.#host = host
    this.#listeners = new LifecycleListeners(host.log)
    for (const one of remains) this.#adopt(one)
    this.#logs = new LogKeeper(host.os, host.log, () => this.#activeLogs())
  }

  async connectGetCapabilities(): Promise<DriverCapabilities> {
    const { arch, accelerator, firmware } = this.#host.abilities
    return {
      domainType: accelerator === 'kvm' ? 'kvm' : 'qemu',
      arch,
      exclusive: true,
      balloon: true,
      suspend: false,
      directKernelBoot: true,
      diskFormats: ['raw', 'qcow2'],
      channels: true,
      firmware,
    }
  }

  connectGetVersion(): Promise<number> {
    this.#version ??= readQemuVersion(this.#host.emulator, this.#host.os.processes).catch((error) => {
      this.#version = undefined
      throw error
    })
    return this.#version
  }

  async connectGetHostname(): Promise<string> {
    return this.#host.os.host.name
  }

  async connectListAllDomains({ active }: { readonly active?: boolean } = {}): Promise<DomainHandle[]> {
    const wanted = this.#domains.list().filter((domain) => domain.active === (active ?? domain.active))
    return wanted.map((domain) => domain.handle)
  }

  async connectClose(): Promise<void> {
    this.#listeners.clear()
    for (const domain of this.#domains.list()) if (domain.active) domain.run.detach()
    this.#logs.close()
    await this.#host.close()
  }

  connectDomainEventRegister(listener: (event: LifecycleEvent) => void): Subscription {
    return this.#listeners.register(listener)
  }

  async domainLookupByName(name: string): Promise<DomainHandle> {
    return this.#domains.withName(name).handle
  }

  async domainLookupByUUID(uuid: string): Promise<DomainHandle> {
    return this.#domains.withUuid(uuid).handle
  }

  async domainLookupByID(id: number): Promise<DomainHandle> {
    return this.#domains.withId(id).handle
  }

  async domainDefineXML(xml: string): Promise<DomainHandle> {
    const definition = this.#parse(xml)
    return this.#onDefinition(definition, async (domain) => {
      const detail = domain.stored ? lifecycleDetails.defined.updated : lifecycleDetails.defined.added
      if (domain.active) await this.#recordStored(domain, formatDomainXml(definition))
      domain.stored = definition
      this.#domains.put(domain, domain.id)
      this.#emit(domain, ['defined', detail])
      return domain.handle
    })
  }

  async domainUndefine(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, async (domain) => {
      if (!domain.stored) domain.invalid(msg`cannot undefine transient domain '${domain.name}'`)
      if (domain.active) await this.#recordStored(domain, undefined)
      domain.stored = undefined
      if (!domain.active) {
        this.#domains.remove(domain)
        await this.#host.forget(domain.uuid)
      }
      this.#emit(domain, ['undefined', lifecycleDetails.undefined.removed])
    })
  }

  async domainCreate(handle: DomainHandle, flags: CreateFlags = {}): Promise<DomainHandle> {
    return this.#onDomain(handle, async (domain) => {
      if (domain.active || !domain.stored) return domain.invalid(msg`domain '${domain.name}' is already running`)
      return this.#start(domain, domain.stored, flags)
    })
  }

  async domainCreateXML(xml: string, flags: CreateFlags = {}): Promise<DomainHandle> {
    const definition = this.#parse(xml)
    return this.#onDefinition(definition, async (domain) => {
      if (domain.active) domain.invalid(msg`domain is already active as '${domain.name}'`)
      return this.#start(domain, definition, flags)
    })
  }

  /** Presses the power button; the guest may ignore it. */
  async domainShutdown(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, ({ run }) => run.execute('system_powerdown'))
  }

  /** Does not wait for its turn when the domain runs: a command that QEMU does not answer may have it. */
  async domainDestroy(handle: DomainHandle): Promise<void> {
    const domain = this.#domains.resolve(handle)
    await (domain.active ? domain.run.destroy() : this.#onDomain(handle, ({ run }) => run.destroy()))
  }

  /** A domain that is paused already is left as it is. */
  async domainSuspend(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, async (domain) => {
      const { run } = domain
      const { state } = run.controlledState()
      if (state === 'paused') return
      if (state !== 'running') domain.invalid(msg`domain '${domain.name}' is not running`)
      await run.execute('stop')
    })
  }

  /** @throws LibvirtError OPERATION_FAILED when the guest stops again at once, as a disk of it still fails */
  async domainResume(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, async (domain) => {
      const { run } = domain
      const { state, reason } = run.controlledState()
      if (state !== 'paused') domain.invalid(msg`domain '${domain.name}' is not paused`)
      await run.execute('cont')
      if (reason === stateReasons.paused.ioerror) await this.#requireProgress(run)
    })
  }

  /** Needs an agent in the guest, which this driver does not have. @throws LibvirtError OPERATION_UNSUPPORTED */
  async domainPMSuspend(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, ({ run }) => {
      const text = msg`domain '${run.definition.name}' has no agent that could suspend it to its RAM`
      throw new LibvirtError('OPERATION_UNSUPPORTED', text, { domain: 'QEMU' })
    })
  }

  async domainPMWakeup(handle: DomainHandle): Promise<void> {
    await this.#onDomain(handle, async (domain) => {
      if (domain.run.controlledState().state !== 'pmsuspended')
        domain.invalid(msg`domain '${domain.name}' is not pmsuspended`)
      await domain.run.execute('system_wakeup')
    })
  }

  async domainGetState(handle: DomainHandle): Promise<DomainStateAndReason> {
    return this.#domains.resolve(handle).state
  }

  async domainGetInfo(handle: DomainHandle): Promise<DomainInfo> {
    const domain = this.#domains.resolve(handle)
    const { maxMemory, memory, vcpus } = domain.definition
    const run = domain.active ? domain.run : undefined
    const cpuTime = run ? await readCpuTime(run.process.identity, this.#host.os.files) : 0n
    return { ...domain.state, maxMemory, memory: run?.memory ?? memory, vcpus, cpuTime }
  }

  async domainGetXMLDesc(handle: DomainHandle, { inactive = false } = {}): Promise<string> {
    return this.#domains.resolve(handle).describe(inactive)
  }

  async domainIsPersistent(handle: DomainHandle): Promise<boolean> {
    return this.#domains.resolve(handle).stored !== undefined
  }

  async domainSetMemory(handle: DomainHandle, memory: number): Promise<void> {
    await this.#onDomain(handle, async (domain) => {
      const { definition } = domain.run
      if (!definition.devices.balloon) domain.invalid(msg`domain '${domain.name}' has no balloon`)
      if (!Number.isSafeInteger(memory) || memory < 1 || memory > definition.maxMemory)
        throw invalidArgument(
          msg`memory of ${memory} KiB is not between 1 and the maximum, ${definition.maxMemory} KiB`,
        )
      await domain.run.execute('balloon', { value: memory * 1024 })
    })
  }

  async domainMemoryStats(handle: DomainHandle): Promise<DomainMemoryStats> {
    return readMemoryStats(this.#domains.resolve(handle).run, this.#host.os.files)
  }

  /** Only grows a disk: a smaller one would lose the data behind its end. */
  async domainBlockResize(handle: DomainHandle, target: string, size: bigint): Promise<void> {
    await this.#onDomain(handle, async ({ run }) => {
      const disk = run.definition.devices.disks.find((one) => one.target === target)
      if (!disk) throw invalidArgument(msg`there is no disk '${target}'`)
      const place = `/machine/peripheral/${diskId(disk)}`
      const known = (await run.execute('query-block')).find(({ device }) => `${device}/`.startsWith(`${place}/`))
      if (!known || size < BigInt(known.size) || size > BigInt(Number.MAX_SAFE_INTEGER))
        throw invalidArgument(msg`disk '${target}' has ${known?.size ?? 0} bytes and cannot get ${size}`)
      await run.execute('block_resize', { 'node-name': target, size: Number(size) })
    })
  }

  async domainOpenConsole(
    handle: DomainHandle,
    alias?: string,
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<ConsoleStream> {
    return this.#onDomain(handle, ({ run }) => run.consoles.open(alias, force))
  }

  /** Sends the event of a change in a run. */
  changed(run: DomainRun, notice: LifecycleNotice): void {
    this.#emit(this.#domains.withUuid(run.definition.uuid), notice)
  }

  /** Records that a run has ended, and sends the event. */
  ended(run: DomainRun): void {
    const domain = this.#domains.withUuid(run.definition.uuid)
    domain.end(shutoffState(run.state))
    this.#domains.put(domain, run.id)
    if (!domain.stored) this.#domains.remove(domain)
    this.#emit(domain, endNotice(run.state))
  }

  #adopt({ run, stored }: Remains): void {
    const definition = run?.definition ?? stored
    if (!definition) return
    const domain = new QemuDomain(definition)
    domain.stored = stored
    if (run) domain.begin(run)
    this.#domains.put(domain)
    this.#lastId = Math.max(this.#lastId, domain.id)
    run?.announce(this)
  }

  #activeLogs(): string[] {
    const active = this.#domains.list().filter((domain) => domain.active)
    return active.flatMap(({ uuid }) => this.#host.places.logs(uuid))
  }

  /** Starts QEMU, sends the event, and starts the processors; when these do not start, the guest is ended again. */
  async #start(
    domain: QemuDomain,
    definition: DomainDefinition,
    { paused = false }: CreateFlags,
  ): Promise<DomainHandle> {
    const stored = domain.stored && { stored: formatDomainXml(domain.stored) }
    const run = await launch(this.#host, { id: ++this.#lastId, definition, paused, ...stored })
    domain.begin(run)
    this.#domains.put(domain)
    this.#emit(domain, ['started', lifecycleDetails.started.booted])
    run.announce(this)
    if (paused) {
      run.stayPaused()
      this.#emit(domain, ['suspended', lifecycleDetails.suspended.paused])
    } else await this.#startProcessors(run)
    return domain.handle
  }

  async #startProcessors(run: DomainRun): Promise<void> {
    try {
      await run.execute('cont')
    } catch (error) {
      const { name } = run.definition
      await run.destroy('failed').catch((failure) =>
        this.#host.log('error', 'a guest whose processors could not be started cannot be ended', {
          name,
          error: errorChain(failure),
        }),
      )
      throw error
    }
  }

  /** A guest that was stopped because of a disk repeats its request, which may fail again. @throws LibvirtError OPERATION_FAILED */
  async #requireProgress(run: DomainRun): Promise<void> {
    const { name } = run.definition
    if (!(await run.pausesWithin(repeatedRequestMs))) return
    const { reason, why } = run.state
    if (reason !== stateReasons.paused.ioerror) return
    const text = msg`domain '${name}' was resumed and has stopped again: ${why ?? 'a disk fails'}`
    throw new LibvirtError('OPERATION_FAILED', text, { domain: 'QEMU' })
  }

  #parse(xml: string): DomainDefinition {
    const definition = parseDomainXml(xml, this.#host.os.host)
    refuseUnsupported(definition, this.#host.abilities)
    return definition
  }

  /** Runs `work` on a domain when all earlier operations on the domain are done. */
  async #onDomain<T>(handle: DomainHandle, work: (domain: QemuDomain) => Promise<T> | T): Promise<T> {
    return this.#domains.resolve(handle).lock.run(() => work(this.#domains.resolve(handle)))
  }

  /** As `#onDomain`, for the domain of a definition. A new domain stays in the table only if it is then stored or active. */
  async #onDefinition<T>(definition: DomainDefinition, work: (domain: QemuDomain) => Promise<T>): Promise<T> {
    const domain = this.#domains.match(definition) ?? new QemuDomain(definition)
    this.#domains.put(domain, domain.id)
    return domain.lock.run(async () => {
      if (this.#domains.match(definition) !== domain) return this.#onDefinition(definition, work)
      try {
        return await work(domain)
      } finally {
        if (!domain.active && !domain.stored) this.#domains.remove(domain)
      }
    })
  }

  async #recordStored({ run }: QemuDomain, stored: string | undefined): Promise<void> {
    await run.record.write(({ stored: _, ...rest }) => ({ ...rest, ...(stored !== undefined && { stored }) }))
  }

  #emit(domain: QemuDomain, [event, detail, why]: LifecycleNotice): void {
    this.#listeners.emit({ domain: domain.handle, event, detail, ...(why !== undefined && { why }) })
  }
}

function invalidArgument(why: Message): LibvirtError {
  return new LibvirtError('INVALID_ARG', why, { domain: 'QEMU' })
}
