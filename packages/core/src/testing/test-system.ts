import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Log } from '@cloister/kit'
import { Connection, TestDriver } from '@cloister/libvirt'
import {
  Faults,
  type Files,
  type FolderLock,
  type FolderLocks,
  ModelledClock,
  nodeOs,
  type Os,
  overlaid,
  type Processes,
} from '@cloister/os'
import type { App } from '../app.ts'
import type { BaseVM, VMClass } from '../domains/base-vm.ts'
import type { LifeEventName } from '../domains/domain-events.ts'
import { type FirewallBackend, type NetworkBackend, noFirewall, noNetwork } from '../domains/ports/network.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { type OpenedApp, openAppOn } from '../open-app.ts'
import { createDomain } from '../operations/create-domain.ts'
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts'
import { FaultyStateStore } from '../state/testing/faulty-state-store.ts'
import { type Snapshot, snapshotOf } from '../state/testing/snapshot.ts'
import { apart, confinable, faulty } from './faulty.ts'

const gib = 2 ** 30
/** How long a test waits for a condition, ms. */
const patienceMs = 10_000

/** A line of the log. */
export interface Logged {
  readonly level: keyof Log
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * A whole system on a real database and real volumes in a scratch folder, over the test hypervisor. Its clock stands still
 * until a test moves it; it can be killed and opened again while its guests keep running.
 */
export class TestSystem implements AsyncDisposable {
  readonly folder: string
  readonly driver: TestDriver = new TestDriver('test:///empty', { os: nodeOs() })
  readonly logged: Logged[] = []
  /** Events as subscribers to the whole system see them: `domain event key=value…`. */
  readonly events: string[] = []
  /** Available memory of the host (`MemAvailable`), KiB. */
  hostAvailable: () => number | Promise<number> = () => (16 * gib) / 1024
  /** The command line of the host's kernel. */
  kernelCommandLine: string = ''
  /** Whether an empty state may be begun beside images. */
  acceptEmpty: boolean = false
  /** The source of random bytes; a test may replace it. */
  random: (count: number) => Uint8Array = (count) => nodeOs().host.random(count)
  /** Interfaces of guests; a test may replace it at any time. */
  network: NetworkBackend = noNetwork
  /** Enforces firewalls; a test may replace it at any time. */
  firewall: FirewallBackend = noFirewall
  #clock = new ModelledClock()
  #faults = new Faults()
  #store: SqliteStateStore | undefined
  readonly #locks: FolderLock[] = []
  #generation = 0
  #opened: OpenedApp | undefined
  #stop: (() => Promise<void>) | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  /** A fresh system. */
  static async open(): Promise<TestSystem> {
    const system = new TestSystem(await mkdtemp(join(tmpdir(), 'cloister-core-')))
    await mkdir(join(system.folder, 'kernels', '6.1.0'), { recursive: true })
    await writeFile(join(system.folder, 'kernels', '6.1.0', 'vmlinuz'), '')
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

  /** What is stored now. */
  async stored(): Promise<Snapshot> {
    await this.app.journal.idle()
    if (!this.#store) throw new Error('the system is not open')
    return snapshotOf(this.#store)
  }

  /** Ends the daemon as `kill -9` does: at once, while guests keep running. Its open operations have no effect any more. */
  async kill(): Promise<void> {
    this.#faults.dieAfter(0)
    await this.#stop?.()
    this.#stop = undefined
    for (const lock of this.#locks.splice(0)) await lock.release()
    this.#opened = undefined
  }

  /** Opens the system again from its state, files and guests; kills the daemon first if one is open. */
  async reopen(): Promise<void> {
    await this.kill()
    this.#clock = new ModelledClock(this.#clock.now())
    this.#faults = new Faults()
    this.#generation++
    const os = this.#os()
    const store = await SqliteStateStore.open(this.folder, { os })
    this.#store = store
    const connection = new Connection(faulty(apart(this.driver), this.#faults))
    this.#stop = async () => {
      await connection.close()
      await store.close()
    }
    const opened = await openAppOn(new FaultyStateStore(store, this.#faults), connection, {
      os,
      log: this.#log(),
      stateFolder: this.folder,
      kernelsFolder: join(this.folder, 'kernels'),
      poolDriver: 'file',
      network: {
        prepare: (vm) => this.network.prepare(vm),
        connect: (vm, to) => this.network.connect(vm, to),
        disconnect: (vm, from) => this.network.disconnect(vm, from),
        release: (vm) => this.network.release(vm),
        adopt: (vms) => this.network.adopt(vms),
      },
      firewall: { apply: (vm, rules) => this.firewall.apply(vm, rules) },
      acceptEmpty: this.acceptEmpty,
      onFatal: (error) => this.logged.push({ level: 'error', message: 'fatal', details: { error } }),
    })
    this.#opened = opened
    this.app.journal.onEvent(({ domain, name, pairs, afterRemoval }) => {
      if (!afterRemoval) this.events.push([domain ?? '', name, ...pairs.map((pair) => pair.join('='))].join(' ').trim())
    })
  }

  /** Makes a domain. */
  async create<T extends BaseVM = QubesVM>(klass: VMClass, name: string, template?: BaseVM): Promise<T> {
    const options = { name, label: 'red', creator: this.app.adminVM }
    const vm = await createDomain(this.app, klass, { ...options, ...(template && { template: template.name }) })
    // The caller knows which class it has asked for.
    return vm as T
  }

  /** Sets features; an undefined value removes. */
  async features(vm: BaseVM, values: Readonly<Record<string, string | undefined>>): Promise<void> {
    await this.app.changes.make((unit) => {
      for (const [name, value] of Object.entries(values)) {
        if (value === undefined) vm.features.remove(unit, name)
        else vm.features.set(unit, name, value)
      }
    })
  }

  /** The events during `work`, without their arguments, as `domain event`; an event of the system has no `domain`. */
  async told(work: () => Promise<unknown>): Promise<string[]> {
    await this.app.changes.settled()
    const first = this.events.length
    await work()
    await this.app.changes.settled()
    return this.events.slice(first).map((line) => line.replace(/ \S+=.*/, ''))
  }

  /** Files below the folder of the pool, as paths from there. */
  async files(): Promise<string[]> {
    const all = ['appvms', 'vm-templates'].map(async (folder) => {
      const found = await readdir(join(this.folder, folder), { recursive: true, withFileTypes: true })
      return found
        .filter((entry) => entry.isFile())
        .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)))
    })
    return (await Promise.all(all)).flat().sort()
  }

  /** Kind and subject of each stored intent. */
  async intents(): Promise<string[]> {
    return (await this.stored()).intents.map(([, kind, subject]) => `${kind} ${subject}`)
  }

  /** Makes the next event of that name fail in a handler, on any domain. */
  failAt(name: LifeEventName): void {
    let planned = true
    this.app.events.onLife(QubesVM, name, () => {
      if (planned) {
        planned = false
        throw new Error(`a handler of ${name} fails`)
      }
    })
  }

  /** Waits until `condition` holds. */
  async until(condition: () => boolean | Promise<boolean>, what: string = String(condition)): Promise<void> {
    const end = performance.now() + patienceMs
    while (!(await condition())) {
      if (performance.now() > end) throw new Error(`waited in vain for: ${what}\n${this.#tail()}`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  /** Moves the clock in steps until `condition` holds; between two steps pending work can run. */
  async advanceUntil(condition: () => boolean | Promise<boolean>, stepMs: number): Promise<void> {
    const step = async (): Promise<boolean> => {
      if (await condition()) return true
      this.#clock.advance(stepMs)
      return false
    }
    await this.until(step, String(condition))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#opened ? this.#opened.close() : this.#stop?.())
    await this.driver.connectClose()
    await rm(this.folder, { recursive: true })
  }

  #os(): Os {
    const os = nodeOs()
    const host = {
      '/proc/meminfo': async () => `MemAvailable:   ${Math.floor(await this.hostAvailable())} kB\n`,
      '/proc/cmdline': async () => this.kernelCommandLine,
    }
    return {
      ...os,
      clock: this.#clock,
      files: withContents(confinable(os.files, this.#faults), host),
      locks: this.#locksOfDaemon(os.locks),
      processes: another(os.processes, this.#generation),
      host: { ...os.host, memory: 32 * gib, random: (count) => this.random(count) },
    }
  }

  /** The locks of one daemon, which end with it. */
  #locksOfDaemon(locks: FolderLocks): FolderLocks {
    return {
      take: async (folder) => {
        const lock = await locks.take(folder)
        this.#locks.push(lock)
        return lock
      },
    }
  }

  #log(): Log {
    const write =
      (level: keyof Log) =>
      (message: string, details: Readonly<Record<string, unknown>> = {}): void => {
        this.logged.push({ level, message, details })
      }
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  }

  #tail(): string {
    return [...this.events.slice(-20), ...this.logged.slice(-5).map((line) => JSON.stringify(line))].join('\n')
  }
}

/** Files among which some have the content that a test gives them. */
function withContents(files: Files, contents: Readonly<Record<string, () => Promise<string>>>): Files {
  return overlaid<Files>(files, {
    read: async (path, limit) => {
      const content = contents[path]
      return content ? new TextEncoder().encode(await content()) : files.read(path, limit)
    },
  })
}

/** Processes in which the own process has another start time for each `generation`, as after a restart. */
function another(processes: Processes, generation: number): Processes {
  return overlaid<Processes>(processes, {
    identify: async (pid) => {
      const identity = await processes.identify(pid)
      return identity && { pid, startTime: `${identity.startTime}-${generation}` }
    },
  })
}
