import { Connection, TestDriver } from '@cloister/libvirt'
import { Faults, ModelledClock, ModelledOs, type Os, overlaid } from '@cloister/os'
import type { App } from '../app.ts'
import type { CoreEvent } from '../changes/core-event.ts'
import type { BaseVM, VMClass } from '../domains/base-vm.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { type OpenedApp, openAppOn } from '../open-app.ts'
import { createDomain } from '../operations/create-domain.ts'
import { FaultyStateStore } from '../state/testing/faulty-state-store.ts'
import { MemoryStateStore } from '../state/testing/memory-state-store.ts'
import { type Snapshot, snapshotOf } from '../state/testing/snapshot.ts'
import { apart, confinable, faulty, type Losable, losable } from './faulty.ts'

const stateFolder = '/state'
const kernelsFolder = '/kernels'

/**
 * A whole system on a machine in memory, over the test hypervisor: thousands of operations a second. It can be killed and
 * opened again; its guests, files and rows outlive the daemon.
 */
export class MemorySystem implements AsyncDisposable {
  readonly os: ModelledOs = new ModelledOs({
    folders: [stateFolder, `${kernelsFolder}/6.1.0`, '/proc'],
    reflink: false,
  })
  readonly driver: TestDriver = new TestDriver('test:///empty', { os: this.os })
  /** Errors and warnings of the daemon that is open. */
  logged: readonly string[] = []
  readonly #store = new MemoryStateStore()
  readonly #onEvent: (event: CoreEvent) => void
  #clock = new ModelledClock()
  #faults = new Faults()
  #connection: Connection | undefined
  #link: Losable | undefined
  #opened: OpenedApp | undefined

  private constructor(onEvent: (event: CoreEvent) => void) {
    this.#onEvent = onEvent
  }

  /** A fresh system. @param onEvent gets the events of every daemon, as subscribers to the whole system see them */
  static async open(onEvent: (event: CoreEvent) => void = () => {}): Promise<MemorySystem> {
    const system = new MemorySystem(onEvent)
    const { files, processes } = system.os
    await files.create(`${kernelsFolder}/6.1.0/vmlinuz`, {})
    await files.create('/proc/meminfo', { data: new TextEncoder().encode('MemAvailable: 16777216 kB\n') })
    // The overlay is made by the caller before the program fills it.
    processes.fake('qemu-img', async () => ({}))
    await system.reopen()
    return system
  }

  get app(): App {
    if (!this.#opened) throw new Error('the system is not open')
    return this.#opened.app
  }

  get clock(): ModelledClock {
    return this.#clock
  }

  /** Faults of the open daemon: the steps are changes of files, commits, and calls of the driver. */
  get faults(): Faults {
    return this.#faults
  }

  /** Kills the daemon and opens the system again from its state, files and guests. */
  async reopen(): Promise<void> {
    this.#opened = undefined
    // Operations of the dead daemon must have no effect any more.
    this.#faults.dieAfter(0)
    await this.#connection?.close()
    this.#clock = new ModelledClock(this.#clock.now() + 1)
    this.#faults = new Faults()
    this.os.restart()
    const logged: string[] = []
    this.logged = logged
    const os: Os = overlaid<Os>(this.os, { clock: this.#clock, files: confinable(this.os.files, this.#faults) })
    const connect = async (): Promise<Connection> => {
      this.#link = losable(faulty(apart(this.driver), this.#faults))
      this.#connection = new Connection(this.#link.driver)
      return this.#connection
    }
    const connection = await connect()
    const note = (message: string, details?: Readonly<Record<string, unknown>>): void =>
      void logged.push(
        `${message} ${Object.entries(details ?? {})
          .map((pair) => pair.join('='))
          .join(' ')}`,
      )
    this.#opened = await openAppOn(new FaultyStateStore(this.#store, this.#faults), connection, {
      os,
      log: { debug: () => {}, info: () => {}, warn: note, error: note },
      stateFolder,
      kernelsFolder,
      poolDriver: 'file',
      reconnect: connect,
      onFatal: (error) => note(`fatal: ${error.message}`),
    })
    this.app.journal.onEvent((event) => {
      if (!event.afterRemoval) this.#onEvent(event)
    })
  }

  /** Makes a domain. */
  async create<T extends BaseVM = QubesVM>(klass: VMClass, name: string, template?: BaseVM): Promise<T> {
    const options = { name, label: 'red', creator: this.app.adminVM }
    const vm = await createDomain(this.app, klass, { ...options, ...(template && { template: template.name }) })
    // The caller knows which class it has asked for.
    return vm as T
  }

  /** Breaks the connection between the daemon and the hypervisor; guests keep running. The daemon connects again by itself. */
  loseConnection(error: Error): void {
    this.#link?.lose(error)
  }

  /** Moves the clock of the daemon and of its guests on. */
  advance(ms: number): void {
    this.os.clock.advance(ms)
    this.#clock.advance(ms)
  }

  /** What is stored now. */
  async stored(): Promise<Snapshot> {
    await this.app.journal.idle()
    return snapshotOf(this.#store)
  }

  /** Kind and subject of each stored intent. */
  async intents(): Promise<string[]> {
    return (await this.stored()).intents.map(([, kind, subject]) => `${kind} ${subject}`)
  }

  /** Files below the folder of the pool, as paths from there. */
  async files(): Promise<string[]> {
    const found: string[] = []
    for (const folder of ['appvms', 'vm-templates']) {
      const path = `${stateFolder}/${folder}`
      if (!(await this.os.files.stat(path))) continue
      for (const owner of await this.os.files.list(path))
        for (const file of await this.os.files.list(`${path}/${owner}`)) found.push(`${folder}/${owner}/${file}`)
    }
    return found.sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.close()
    await this.driver.connectClose()
  }
}
