import { type Message, msg } from '@cloister/kit'
import type { Os } from '@cloister/os'
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
  LifecycleEventKind,
  Subscription,
} from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { lifecycleDetails } from '../../lifecycle-details.ts'
import { stateReasons } from '../../state-reasons.ts'
import { parseDomainXml } from '../../xml/domain-parse.ts'
import { DomainTable } from '../domain-table.ts'
import type { DriverEnvironment } from '../driver-environment.ts'
import { LifecycleListeners } from '../lifecycle-listeners.ts'
import { EchoConsole } from './echo-console.ts'
import { Faults, type HeldOperation, type Operation } from './faults.ts'
import { TestDomain } from './test-domain.ts'
import { TestRun } from './test-run.ts'

const capabilities: DriverCapabilities = {
  domainType: 'test',
  arch: 'i686',
  exclusive: true,
  balloon: true,
  suspend: false,
  directKernelBoot: true,
  diskFormats: ['raw', 'qcow2'],
  channels: false,
  firmware: ['bios', 'efi'],
}

/**
 * A host in memory (reference: libvirt, 2.5). Its domains have all states, by the rules of reference libvirt 1.1, and send all
 * events, but nothing runs in them. Tests of its callers can make calls fail or wait, and act for the guest.
 */
export class TestDriver implements Driver {
  readonly uri: string
  readonly type = 'TEST'
  /** Resolves when a test says that the connection is lost (`loseConnection`). */
  readonly closed: Promise<Error>
  readonly #os: Os
  readonly #domains = new DomainTable<TestDomain>('TEST')
  readonly #listeners: LifecycleListeners
  readonly #faults = new Faults()
  readonly #lost = Promise.withResolvers<Error>()
  #lastId = 0

  /** @param running domains that run from the start, and are persistent */
  constructor(uri: string, environment: DriverEnvironment, running: readonly DomainDefinition[] = []) {
    this.uri = uri
    this.closed = this.#lost.promise
    this.#os = environment.os
    this.#listeners = new LifecycleListeners(environment.log)
    for (const definition of running) {
      const domain = new TestDomain(definition)
      domain.stored = definition
      this.#begin(domain, definition, stateReasons.running.unknown)
    }
  }

  async connectGetCapabilities(): Promise<DriverCapabilities> {
    await this.#faults.meet('connectGetCapabilities')
    return capabilities
  }

  async connectGetVersion(): Promise<number> {
    await this.#faults.meet('connectGetVersion')
    return 2
  }

  async connectGetHostname(): Promise<string> {
    await this.#faults.meet('connectGetHostname')
    return this.#os.host.name
  }

  async connectListAllDomains(filter: { readonly active?: boolean } = {}): Promise<DomainHandle[]> {
    await this.#faults.meet('connectListAllDomains')
    const wanted = this.#domains.list().filter((domain) => domain.active === (filter.active ?? domain.active))
    return wanted.map((domain) => domain.handle)
  }

  /** Ends all domains without events, as the host in memory ends with its connection. */
  async connectClose(): Promise<void> {
    this.#listeners.clear()
    for (const domain of this.#domains.list()) {
      this.#domains.remove(domain)
      if (domain.active) domain.end(stateReasons.shutoff.daemon)
    }
  }

  connectDomainEventRegister(listener: (event: LifecycleEvent) => void): Subscription {
    return this.#listeners.register(listener)
  }

  async domainLookupByName(name: string): Promise<DomainHandle> {
    await this.#faults.meet('domainLookupByName')
    return this.#domains.withName(name).handle
  }

  async domainLookupByUUID(uuid: string): Promise<DomainHandle> {
    await this.#faults.meet('domainLookupByUUID')
    return this.#domains.withUuid(uuid).handle
  }

  async domainLookupByID(id: number): Promise<DomainHandle> {
    await this.#faults.meet('domainLookupByID')
    return this.#domains.withId(id).handle
  }

  async domainDefineXML(xml: string): Promise<DomainHandle> {
    const definition = this.#parse(xml)
    return this.#onDefinition('domainDefineXML', definition, (known) => {
      const domain = known ?? new TestDomain(definition)
      const detail = domain.stored ? lifecycleDetails.defined.updated : lifecycleDetails.defined.added
      domain.stored = definition
      this.#domains.put(domain)
      this.#emit(domain, 'defined', detail)
      return domain.handle
    })
  }

  async domainUndefine(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainUndefine', handle, (domain) => {
      if (!domain.stored) domain.invalid(msg`cannot undefine transient domain '${domain.name}'`)
      domain.stored = undefined
      if (!domain.active) this.#domains.remove(domain)
      this.#emit(domain, 'undefined', lifecycleDetails.undefined.removed)
    })
  }

  async domainCreate(handle: DomainHandle, flags: CreateFlags = {}): Promise<DomainHandle> {
    return this.#onDomain('domainCreate', handle, (domain) => {
      const { stored } = domain
      if (domain.active || !stored) return domain.invalid(msg`domain '${domain.name}' is already running`)
      this.#boot(domain, stored, flags)
      return domain.handle
    })
  }

  async domainCreateXML(xml: string, flags: CreateFlags = {}): Promise<DomainHandle> {
    const definition = this.#parse(xml)
    return this.#onDefinition('domainCreateXML', definition, (known) => {
      const domain = known ?? new TestDomain(definition)
      if (domain.active) domain.invalid(msg`domain is already active as '${domain.name}'`)
      this.#boot(domain, definition, flags)
      return domain.handle
    })
  }

  /** The domain stops a moment after the call has returned; one that is paused does, too, as in libvirt's test driver. */
  async domainShutdown(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainShutdown', handle, (domain) => {
      const { run } = domain
      if (domain.ignoresShutdown) return
      this.#os.clock.after(1, () => {
        if (domain.id === run.id) this.#powerOff(domain)
      })
    })
  }

  async domainDestroy(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainDestroy', handle, (domain) => this.#end(domain, 'destroyed'))
  }

  async domainSuspend(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainSuspend', handle, (domain) => this.#pause(domain))
  }

  async domainResume(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainResume', handle, (domain) => this.#resume(domain))
  }

  /** No guest runs that could be suspended. @throws LibvirtError NO_SUPPORT */
  async domainPMSuspend(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainPMSuspend', handle, () => noSupport('virDomainPMSuspendForDuration'))
  }

  /** @throws LibvirtError NO_SUPPORT */
  async domainPMWakeup(handle: DomainHandle): Promise<void> {
    return this.#onDomain('domainPMWakeup', handle, () => noSupport('virDomainPMWakeup'))
  }

  async domainGetState(handle: DomainHandle): Promise<DomainStateAndReason> {
    await this.#faults.meet('domainGetState')
    return this.#domains.resolve(handle).state
  }

  async domainGetInfo(handle: DomainHandle): Promise<DomainInfo> {
    await this.#faults.meet('domainGetInfo')
    return this.#domains.resolve(handle).info
  }

  async domainGetXMLDesc(handle: DomainHandle, flags: { readonly inactive?: boolean } = {}): Promise<string> {
    await this.#faults.meet('domainGetXMLDesc')
    return this.#domains.resolve(handle).describe(flags.inactive ?? false)
  }

  async domainIsPersistent(handle: DomainHandle): Promise<boolean> {
    await this.#faults.meet('domainIsPersistent')
    return this.#domains.resolve(handle).stored !== undefined
  }

  async domainSetMemory(handle: DomainHandle, memory: number): Promise<void> {
    return this.#onDomain('domainSetMemory', handle, ({ run }) => {
      const most = run.definition.maxMemory
      if (!Number.isSafeInteger(memory) || memory < 1 || memory > most) {
        throw invalidArgument(msg`memory of ${memory} KiB is not between 1 and the domain's maximum, ${most} KiB`)
      }
      if (!run.ignoresBalloon) run.memory = memory
    })
  }

  /** The guest occupies all memory that it has; tests set the rest of its report (`reportMemory`). */
  async domainMemoryStats(handle: DomainHandle): Promise<DomainMemoryStats> {
    await this.#faults.meet('domainMemoryStats')
    const { run } = this.#domains.resolve(handle)
    return { ...run.report, actual: run.memory, rss: run.memory }
  }

  /** Only checks that the domain has the disk: no guest runs that could be told. */
  async domainBlockResize(handle: DomainHandle, disk: string, size: bigint): Promise<void> {
    return this.#onDomain('domainBlockResize', handle, ({ run }) => {
      if (size < 1n) throw invalidArgument(msg`a disk cannot have ${size} bytes`)
      const found = run.definition.devices.disks.some(({ target }) => target === disk)
      if (!found) throw invalidArgument(msg`there is no disk '${disk}'`)
    })
  }

  /** A console that echoes. */
  async domainOpenConsole(
    handle: DomainHandle,
    alias?: string,
    flags: { readonly force?: boolean } = {},
  ): Promise<ConsoleStream> {
    return this.#onDomain('domainOpenConsole', handle, ({ run }) => {
      const { serials, consoles } = run.definition.devices
      const device = [...serials, ...consoles].find((one) => one.alias === (alias ?? one.alias))
      if (!device) throw new LibvirtError('DEVICE_MISSING', msg`no console '${alias ?? 'default'}'`, { domain: 'TEST' })
      const former = run.consoles.get(device.alias)
      if (former && !former.closed && !flags.force) {
        throw new LibvirtError('OPERATION_FAILED', 'Active console session exists for this domain', { domain: 'TEST' })
      }
      former?.close()
      const console = new EchoConsole()
      run.consoles.set(device.alias, console)
      return console
    })
  }

  /** For tests: the next call of `operation` fails with `error` before it changes anything. */
  failNext(operation: Operation, error: Error): void {
    this.#faults.failNext(operation, error)
  }

  /** For tests: the next call of `operation` waits before it changes anything; so do later operations on the same domain. */
  holdNext(operation: Operation): HeldOperation {
    return this.#faults.holdNext(operation)
  }

  /**
   * For tests: the connection is lost, as that to a daemon which died. Guests keep running; calls fail with `error`, also those that
   * wait now, and no event arrives any more.
   */
  loseConnection(error: Error): void {
    this.#listeners.clear()
    this.#faults.failAll(error)
    this.#lost.resolve(error)
  }

  /** For tests: the guest ignores requests to shut down. */
  ignoreShutdown(uuid: string): void {
    this.#domains.withUuid(uuid).ignoresShutdown = true
  }

  /** For tests: the guest reacts again when it is asked to shut down. */
  heedShutdown(uuid: string): void {
    this.#domains.withUuid(uuid).ignoresShutdown = false
  }

  /** For tests: what a running guest reports of its memory from now on, until it ends. */
  reportMemory(uuid: string, report: Omit<DomainMemoryStats, 'actual' | 'rss'>): void {
    this.#domains.withUuid(uuid).run.report = report
  }

  /** For tests: the guest has no driver for its balloon, so that `domainSetMemory` has no effect in this run. */
  ignoreBalloon(uuid: string): void {
    this.#domains.withUuid(uuid).run.ignoresBalloon = true
  }

  /** For tests: the guest's kernel panics. */
  crashDomain(uuid: string): void {
    const domain = this.#domains.withUuid(uuid)
    const { definition } = domain.run
    this.#emit(domain, 'crashed', lifecycleDetails.crashed.panicked)
    if (definition.onCrash === 'destroy') this.#end(domain, 'crashed')
  }

  /** For tests: the guest powers itself off. */
  powerOffDomain(uuid: string): void {
    const domain = this.#domains.withUuid(uuid)
    const { run } = domain
    this.#emit(domain, 'shutdown', lifecycleDetails.shutdown.finished)
    if (domain.id === run.id) this.#powerOff(domain)
  }

  /** For tests: another client of the hypervisor resumes a paused domain. */
  externalResume(uuid: string): void {
    this.#resume(this.#domains.withUuid(uuid))
  }

  #parse(xml: string): DomainDefinition {
    const definition = parseDomainXml(xml, this.#os.host)
    if (definition.type === 'test') return definition
    throw new LibvirtError('CONFIG_UNSUPPORTED', msg`domain type '${definition.type}' is not 'test'`, {
      domain: 'TEST',
    })
  }

  /** Runs `work` on a domain when all earlier operations on the domain are done. It is synchronous, so that no call sees half of it. */
  async #onDomain<T>(operation: Operation, handle: DomainHandle, work: (domain: TestDomain) => T): Promise<T> {
    return this.#domains.resolve(handle).lock.run(async () => {
      await this.#faults.meet(operation)
      return work(this.#domains.resolve(handle))
    })
  }

  /** As `#onDomain`, for the domain of a definition, which need not exist. */
  async #onDefinition<T>(
    operation: Operation,
    definition: DomainDefinition,
    work: (domain: TestDomain | undefined) => T,
  ): Promise<T> {
    const meetAndWork = async (): Promise<T> => {
      await this.#faults.meet(operation)
      return work(this.#domains.match(definition))
    }
    const known = this.#domains.match(definition)
    return known ? known.lock.run(meetAndWork) : meetAndWork()
  }

  #boot(domain: TestDomain, definition: DomainDefinition, flags: CreateFlags): void {
    this.#begin(domain, definition, stateReasons.running.booted)
    this.#emit(domain, 'started', lifecycleDetails.started.booted)
    if (flags.paused) this.#pause(domain)
  }

  #begin(domain: TestDomain, definition: DomainDefinition, reason: number): void {
    domain.begin(new TestRun(++this.#lastId, definition, this.#os.clock), reason)
    this.#domains.put(domain)
  }

  #pause(domain: TestDomain): void {
    domain.pause()
    this.#emit(domain, 'suspended', lifecycleDetails.suspended.paused)
  }

  #resume(domain: TestDomain): void {
    domain.resume()
    this.#emit(domain, 'resumed', lifecycleDetails.resumed.unpaused)
  }

  /** The guest has switched the machine off; the domain ends unless its definition restarts it. */
  #powerOff(domain: TestDomain): void {
    if (domain.run.definition.onPoweroff === 'destroy') this.#end(domain, 'shutdown')
  }

  #end(domain: TestDomain, how: 'shutdown' | 'destroyed' | 'crashed'): void {
    const { id } = domain.run
    domain.end(stateReasons.shutoff[how])
    this.#domains.put(domain, id)
    if (!domain.stored) this.#domains.remove(domain)
    this.#emit(domain, 'stopped', lifecycleDetails.stopped[how])
  }

  #emit(domain: TestDomain, event: LifecycleEventKind, detail: number): void {
    this.#listeners.emit({ domain: domain.handle, event, detail })
  }
}

function noSupport(api: string): never {
  throw new LibvirtError('NO_SUPPORT', api, { domain: 'TEST' })
}

function invalidArgument(why: Message): LibvirtError {
  return new LibvirtError('INVALID_ARG', why, { domain: 'TEST' })
}
