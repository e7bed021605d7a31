import { CloisterError, errorChain } from '@cloister/kit'
import { ProcessDied, seededNumbers } from '@cloister/os'
import { hasClients } from '../../domains/network/network-graph.ts'
import { QubesVM } from '../../domains/qubes-vm.ts'
import { createDomain } from '../../operations/create-domain.ts'
import { setProperty } from '../../operations/properties.ts'
import { MemorySystem } from '../memory-system.ts'
import { indexed, namedObjects } from '../portrait.ts'
import { discrepancies } from '../soundness.ts'
import { acts, type Chance, disposableTemplate, type Effect, templates } from './acts.ts'
import { Replica } from './replica.ts'

/** Most calls at a time. */
const mostAtOnce = 16
/** Turns of the event loop without the end of a call, after which the clock is moved. */
const turnsBeforeTime = 20
/** How far the clock is moved then, ms. */
const stepMs = 1000
/** After this many moves of the clock an open call counts as hanging. */
const mostSteps = 3000

/** The fault of a burst: a failing call of the hypervisor or of the file system, a failing commit, or the end of the daemon. */
const mishaps = {
  domainCreate: /./,
  domainDefineXML: /./,
  domainDestroy: /./,
  domainSuspend: /./,
  domainResume: /./,
  rename: /\.img/,
  sync: /\.img/,
  create: /\.img/,
  copySparse: /./,
  commit: /./,
} as const

/**
 * Random programs of concurrent calls on a whole system, with failures and with deaths of the daemon in between. After each
 * burst, when nothing is under way, what the system believes, stores, tells and runs must agree.
 */
export class Storm {
  readonly #random: () => number
  readonly #replica = new Replica()
  /** By name: whether the domain must exist, as the replies say; undefined when a fault or the end of the daemon leaves it open. */
  readonly #expected = new Map<string, boolean | undefined>()
  readonly #touched = new Map<string, boolean | 'both'>()
  /** Domains that a call of this burst was answered to run, or to be halted. */
  readonly #power = new Map<string, boolean | 'both'>()
  #system: MemorySystem
  /** Events and outcomes since the last burst began. */
  readonly #events: string[] = []
  /** Calls that were made. */
  operations = 0
  /** How often each act had each outcome: the name of an error, or `done`. */
  readonly outcomes = new Map<string, number>()

  private constructor(system: MemorySystem, random: () => number) {
    this.#system = system
    this.#random = random
  }

  static async begin(seed: number): Promise<Storm> {
    let hear: Replica['hear'] = () => {}
    const system = await MemorySystem.open((event) => hear(event))
    const storm = new Storm(system, seededNumbers(seed))
    hear = (event) => {
      storm.#replica.hear(event)
      const pairs = event.pairs.map((pair) => pair.join('='))
      storm.#events.push([event.domain ?? '', event.name, ...pairs].join(' ').trim())
    }
    await storm.#prepare()
    return storm
  }

  /** Runs one burst of concurrent calls to its end. @throws Error with the differences that are found afterwards */
  async burst(): Promise<void> {
    const count = 1 + Math.floor(this.#random() * mostAtOnce)
    const mishap = this.#chooseMishap()
    this.#events.length = 0
    const names = Array.from({ length: count }, () => this.#chooseAct())
    const calls = Promise.all(names.map((name) => this.#call(name, mishap !== 'none')))
    await this.#end(calls)
    this.operations += count
    if (this.#system.faults.dead) await this.#reopen()
    else await this.#rest()
    await this.#check(`${names.join(' ')} (${mishap})`, mishap !== 'none')
  }

  async end(): Promise<void> {
    await this.#system[Symbol.asyncDispose]()
  }

  async #prepare(): Promise<void> {
    const { app } = this.#system
    const make = (klass: 'TemplateVM' | 'AppVM', name: string, template?: string): Promise<unknown> =>
      createDomain(app, klass, { name, label: 'red', creator: app.adminVM, ...(template && { template }) })
    for (const name of templates) await make('TemplateVM', name)
    const vm = await make('AppVM', disposableTemplate, templates[0])
    await setProperty(vm as QubesVM, 'template_for_dispvms', 'True')
    this.#replica.load(app)
    for (const { name } of app.domains) this.#expected.set(name, true)
  }

  #chooseMishap(): string {
    const chance = this.#random()
    const { faults } = this.#system
    if (chance < 0.08) {
      faults.dieAfter(Math.floor(this.#random() * 60))
      return 'the daemon dies'
    }
    if (chance > 0.3) return 'none'
    const [operation, path] = this.#pick(Object.entries(mishaps))
    faults.failNext(operation, 'EIO', path, Math.floor(this.#random() * 6))
    return operation
  }

  #chooseAct(): string {
    const all = Object.entries(acts)
    let at = this.#random() * all.reduce((sum, [, [weight]]) => sum + weight, 0)
    for (const [name, [weight]] of all) {
      at -= weight
      if (at < 0) return name
    }
    return 'start'
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }

  async #call(name: string, mishap: boolean): Promise<void> {
    const chance: Chance = {
      system: this.#system,
      pick: (list) => this.#pick(list),
      unsettle: (domain) => void this.#power.set(domain, 'both'),
    }
    let outcome = 'done'
    try {
      this.#note(await acts[name]?.[1](chance))
    } catch (error) {
      outcome = error instanceof Error ? error.name : String(error)
      this.#events.push(`${name} ended with ${errorChain(error)}`)
      this.#judge(name, error, mishap)
    }
    this.outcomes.set(`${name}: ${outcome}`, (this.outcomes.get(`${name}: ${outcome}`) ?? 0) + 1)
  }

  /** A refusal must be a CloisterError; any other error must be the consequence of a fault. */
  #judge(act: string, error: unknown, mishap: boolean): void {
    if (error instanceof ProcessDied || this.#system.faults.dead) return
    const planned = errorChain(error).includes('EIO')
    if (planned && mishap) return
    if (!(error instanceof CloisterError)) throw new Error(`${act} failed with an error of no kind`, { cause: error })
  }

  #note(effect: Effect | undefined): void {
    if (effect?.made !== undefined) this.#toggle(effect.made, true)
    if (effect?.removed !== undefined) this.#toggle(effect.removed, false)
    if (effect?.started !== undefined) this.#settle(effect.started, true)
    if (effect?.ended !== undefined) this.#settle(effect.ended, false)
  }

  /** Replies of one burst come in any order: a domain that was both created and removed may exist or not. */
  #toggle(name: string, exists: boolean): void {
    const touched = this.#touched.get(name)
    // The clone of a disposable is a disposable too, which is removed when it stops.
    const removesItself = this.#system.app.domains.find(name)?.klass === 'DispVM'
    if (removesItself) this.#touched.set(name, 'both')
    else this.#touched.set(name, touched === undefined || touched === exists ? exists : 'both')
  }
  #settle(name: string, runs: boolean): void {
    const before = this.#power.get(name)
    this.#power.set(name, before === undefined || before === runs ? runs : 'both')
  }

  /** Waits for calls, letting time pass when they wait for it. */
  async #end(calls: Promise<unknown>): Promise<void> {
    let over = false
    const ended = calls.finally(() => {
      over = true
    })
    ended.catch(() => {})
    for (let turn = 0; !over; turn++) {
      await new Promise(setImmediate)
      if (turn % turnsBeforeTime !== turnsBeforeTime - 1) continue
      if (turn > mostSteps * turnsBeforeTime) throw new Error('a call hangs')
      this.#system.advance(stepMs)
    }
    await ended
  }

  /** Starts the next daemon after the death of one. */
  async #reopen(): Promise<void> {
    await this.#system.reopen()
    this.#replica.load(this.#system.app)
    this.#expected.clear()
    for (const { name, klass } of this.#system.app.domains) if (klass !== 'DispVM') this.#expected.set(name, true)
    this.#touched.clear()
    await this.#rest()
  }

  /** Waits until nothing is under way. */
  async #rest(): Promise<void> {
    const { app, faults } = this.#system
    faults.clear()
    const quiet = async (): Promise<void> => {
      for (;;) {
        await app.changes.settled()
        if (![...app.domains].some(({ phase }) => phase.isTransient)) return
        await new Promise(setImmediate)
      }
    }
    await this.#end(quiet())
    // Requests to shut down are repeated until their time is over.
    for (let second = 0; second < 70; second++) {
      this.#system.advance(stepMs)
      await new Promise(setImmediate)
    }
    await this.#end(quiet())
  }

  async #check(burst: string, mishap: boolean): Promise<void> {
    const { logged } = this.#system
    const seen = [
      ...this.#wrongStates(mishap),
      ...this.#replica.differences(this.#system.app),
      ...this.#wrongNames(),
      ...(await this.#sharedImages()),
    ]
    let unsound = await this.#discrepancies()
    // Work that failed is in the log; the next daemon finishes it.
    if (unsound.length > 0 && mishap && logged.length > 0) {
      await this.#reopen()
      unsound = await this.#discrepancies()
    }
    const problems = [...seen, ...unsound, ...this.#leftovers()]
    if (problems.length === 0) return
    throw new Error(`after ${burst}:\n${[...problems, ...logged.slice(-10), ...this.#events].join('\n')}`)
  }

  /** Ignores unfinished files of a dead daemon, which stay until the next import or start of the volume. */
  async #discrepancies(): Promise<string[]> {
    const all = await discrepancies(this.#system)
    return all.filter((text) => {
      const [, found = '', wanted] = /^files of [^:]+: (.*) instead of (.*)$/.exec(text) ?? []
      const rest = found.split(', ').filter((file) => file !== '-import.img' && !file.includes('.img~'))
      return wanted === undefined || rest.join(', ') !== wanted
    })
  }

  #wrongNames(): string[] {
    for (const [name, exists] of this.#touched) this.#expected.set(name, exists === 'both' ? undefined : exists)
    this.#touched.clear()
    const { domains } = this.#system.app
    return [...this.#expected].flatMap(([name, exists]) =>
      exists !== undefined && !name.startsWith('disp') && (domains.find(name) !== undefined) !== exists
        ? [`${name} was answered to ${exists ? 'exist' : 'be removed'}`]
        : [],
    )
  }

  /** A domain whose start was answered runs, and one whose kill was answered does not, unless another call said otherwise. */
  #wrongStates(mishap: boolean): string[] {
    const told = [...this.#power]
    this.#power.clear()
    if (mishap) return []
    return told.flatMap(([name, runs]) => {
      const vm = this.#system.app.domains.find(name)
      // The start of a client also starts the domains that give it network.
      if (runs === 'both' || !vm || (!runs && hasClients(vm))) return []
      return (vm.phase.name === 'running') === runs ? [] : [`${name} was answered to ${runs ? 'run' : 'be halted'}`]
    })
  }

  /** No two guests write to one image, and no guest writes to an image that another reads. */
  async #sharedImages(): Promise<string[]> {
    const users = new Map<string, string>()
    const problems: string[] = []
    for (const vm of this.#system.app.domains.running()) {
      for (const volume of vm.storage.list()) {
        const device = await volume.blockDevice()
        if (!device?.rw) continue
        const other = users.get(device.path)
        if (other) problems.push(`${vm.name} and ${other} write to ${device.path}`)
        users.set(device.path, vm.name)
      }
    }
    return problems
  }

  /** Looks for locks, timers and references that were not released. */
  #leftovers(): string[] {
    const { app } = this.#system
    const problems: string[] = []
    for (const vm of app.domains) {
      if (vm.phase.isTransient) problems.push(`${vm.name} stays in the phase ${vm.phase.name}`)
      if (!(vm instanceof QubesVM)) continue
      if ((vm.phase.name === 'running') !== (vm.run !== undefined))
        problems.push(`${vm.name} has no run, or one too many`)
    }
    const [found, wanted] = [indexed(app), namedObjects(app)]
    if (found.join() !== wanted.join()) problems.push(`references: ${found.join()} instead of ${wanted.join()}`)
    // Guests that can be balanced have one timer together.
    if (this.#system.clock.pending > 1) problems.push(`${this.#system.clock.pending} timers are left`)
    return problems
  }
}
