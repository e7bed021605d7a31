import { errorChain, msg, QubesVMError, UndoStack, type XmlElement } from '@cloister/kit'
import { within } from '@cloister/os'
import { refuseDamaged } from '../domains/damage.ts'
import type { LifeEventName, LifeEvents } from '../domains/domain-events.ts'
import type { Reservation } from '../domains/ports/memory-manager.ts'
import { maxmem, memory, qrexecTimeout, vcpus, virtMode } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { Run } from '../domains/run.ts'
import { guestDatabase } from './guest-database.ts'
import { waits } from './guest-power.ts'
import { refuseProhibitedStart, refuseStartDuringRestore } from './power-checks.ts'

const mib = 2 ** 20
/** Memory of the host that a virtual machine needs beyond the guest's memory (reference: storage-and-lifecycle, B.8), bytes. */
const cost = { machine: 4 * mib, perVcpu: 1.5 * mib, perMaxMib: 8192, deviceModel: 144 * mib }

/** Bytes that must be free for the domain to start. */
export function memoryRequired(vm: QubesVM): number {
  const start = vm.get(memory) ?? 0
  const ceiling = vm.get(maxmem) || start
  const deviceModel = vm.get(virtMode) === 'hvm' ? cost.deviceModel : 0
  return start * mib + deviceModel + cost.machine + (vm.get(vcpus) ?? 1) * cost.perVcpu + ceiling * cost.perMaxMib
}

/** What a start needs of the life cycle that it is part of. */
export interface StartingLife {
  /** Resumes a paused guest, with the events of it. */
  resumeGuest(run: Run): Promise<void>
  /** Ends a guest, and waits until its stop is handled. */
  abandon(run: Run): Promise<void>
  /** Fires an event of what has happened already. */
  tell<T extends LifeEventName>(name: T, event: LifeEvents[T]): Promise<void>
}

/**
 * Starts a domain that is in the phase `starting`. The steps, their order, and what is undone after a failure are those of
 * reference storage-and-lifecycle, B.3.1. When `signal` is aborted the start fails after the current step.
 */
export async function startDomain(vm: QubesVM, life: StartingLife, signal: AbortSignal): Promise<void> {
  await using undo = new UndoStack((what, error) => {
    vm.app.log.error(`${what} after a failed start failed`, { domain: vm.name, error: errorChain(error) })
  })
  try {
    const start = new Start(vm, life, signal, undo)
    await start.prepare()
    await start.spawn()
    await start.release()
    undo.commit()
  } catch (error) {
    await life.tell('domain-start-failed', { reason: errorChain(error) })
    throw error
  }
}

/** One start, in its three parts. */
class Start {
  readonly #vm: QubesVM
  readonly #life: StartingLife
  readonly #signal: AbortSignal
  readonly #undo: UndoStack
  #reservation: Reservation | undefined
  #run: Run | undefined

  constructor(vm: QubesVM, life: StartingLife, signal: AbortSignal, undo: UndoStack) {
    this.#vm = vm
    this.#life = life
    this.#signal = signal
    this.#undo = undo
  }

  /** Steps 5 to 10: checks, netvm, memory and volumes. */
  async prepare(): Promise<void> {
    const vm = this.#vm
    const { app } = vm
    const required = memoryRequired(vm)
    refuseProhibitedStart(vm)
    refuseDamaged(vm, 'start')
    await this.#step(app.events.fireLife(vm, 'domain-pre-start', { start_guid: true, mem_required: required }))
    refuseStartDuringRestore(vm)
    await this.#step(app.kernels.refresh(vm.kernel))
    await this.#step(vm.storage.verify())
    await this.#step(app.events.fireLife(vm, 'domain-verify-files', {}))
    await this.#startNetvm()
    await this.#reserveMemory(required)
    this.#undo.add('stopping the volumes', () => this.#stopVolumes())
    await this.#step(app.runs.begin(vm))
    await this.#step(vm.storage.start())
  }

  /** Steps 11 to 16: the guest is created, paused. */
  async spawn(): Promise<void> {
    const vm = this.#vm
    const { app } = vm
    await this.#step(app.events.fireLife(vm, 'domain-pre-spawn', { start_guid: true }))
    const interfaces = await this.#prepareNetwork()
    const domain = await app.hypervisors.of(vm).define(vm, interfaces)
    this.#signal.throwIfAborted()
    const usable = !vm.featureWithTemplate('qrexec')
    const run = new Run(domain, { startedAt: app.os.clock.now(), state: 'paused', released: false, usable })
    // Set first, so that no event of the hypervisor arrives before there is a run to receive it.
    vm.run = run
    try {
      await domain.create({ paused: true })
    } catch (error) {
      vm.run = undefined
      throw error
    }
    this.#run = run
    this.#undo.add('ending the guest', () => this.#life.abandon(run))
    this.#signal.throwIfAborted()
    app.events.announceReset(vm, 'xid', 'stubdom_xid', 'start_time')
    this.#reservation?.release()
    await this.#step(app.events.fireLife(vm, 'domain-spawn', { start_guid: true }))
  }

  /** Steps 17 to 21: the guest gets its QubesDB and is resumed. */
  async release(): Promise<void> {
    const [vm, run] = [this.#vm, this.#run]
    if (!run) return
    const { app } = vm
    run.database = guestDatabase(vm)
    await this.#step(app.events.fireLife(vm, 'domain-qdb-create', {}))
    await this.#step(this.#life.resumeGuest(run))
    run.released = true
    await this.#step(app.runs.started(vm))
    if (!run.usable) {
      await this.#step(app.agents.connected(vm, (vm.get(qrexecTimeout) ?? 0) * 1000, this.#signal))
      run.usable = true
    }
    this.#refuseStopped(run)
    await this.#step(app.events.fireLife(vm, 'domain-start', { start_guid: true }))
    this.#refuseStopped(run)
  }

  /** Waits for a step. @throws the reason of the abort when the start was cancelled meanwhile */
  async #step<T>(work: Promise<T>): Promise<void> {
    await work
    this.#signal.throwIfAborted()
  }

  /** Starts the netvm, or waits for a start of it that is under way. */
  async #startNetvm(): Promise<void> {
    const control = this.#vm.netvm?.lifeCycle
    if (!control) return
    const what = `The start of ${this.#vm.netvm?.name}, the netvm of ${this.#vm.name},`
    await within({ clock: this.#vm.app.os.clock, ms: waits.netvmMs, what, signal: this.#signal }, control.start())
  }

  /** The rules are in force before there is an interface that they could protect. */
  async #prepareNetwork(): Promise<readonly XmlElement[]> {
    const vm = this.#vm
    const { network, firewall } = vm.app
    this.#undo.add('releasing the network', () => network.release(vm))
    await this.#step(firewall.apply(vm, vm.firewall.rules()))
    const interfaces = await network.prepare(vm)
    this.#signal.throwIfAborted()
    return interfaces
  }

  async #reserveMemory(required: number): Promise<void> {
    const reservation = await this.#vm.app.memory.reserve(this.#vm, required)
    this.#undo.add('releasing the memory', () => reservation.release())
    this.#reservation = reservation
    this.#signal.throwIfAborted()
  }

  /** Stops the volumes when there was no guest; those of a guest are stopped by the handling of its stop. */
  async #stopVolumes(): Promise<void> {
    if (this.#run) return
    await this.#vm.storage.stop()
    await this.#vm.app.runs.ended(this.#vm)
  }

  #refuseStopped({ stopReceived }: Run): void {
    if (stopReceived) throw new QubesVMError(msg`${this.#vm.name} stopped while it was being started`)
  }
}
