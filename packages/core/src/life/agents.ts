import { msg, QubesVMError } from '@cloister/kit'
import { type Clock, within } from '@cloister/os'
import type { AgentsPort } from '../domains/ports/agents.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'

/**
 * Connections of the qrexec agents inside guests. A domain whose feature `qrexec` is set counts as running only when its agent
 * has connected (reference: storage-and-lifecycle, B.2, B.3.1 step 20). A connection belongs to one run of the domain.
 */
export class Agents implements AgentsPort {
  readonly #clock: Clock
  readonly #connections = new WeakMap<Run, PromiseWithResolvers<void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(vm: QubesVM, connected: boolean): void {
    const { run } = vm
    if (!run) return
    if (run.released) run.usable = connected || !vm.featureWithTemplate('qrexec')
    if (connected) this.#connection(run).resolve()
    else this.#connections.delete(run)
  }

  async connected(vm: QubesVM, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { run } = vm
    if (!run) throw new QubesVMError(msg`${vm.name} has no guest whose qrexec agent could connect`)
    const onLate = (): Error =>
      new QubesVMError(
        msg`Cannot connect to the qrexec agent of ${vm.name} for ${Math.round(timeoutMs / 1000)} seconds: see its console log`,
      )
    // A guest that has ended never connects.
    const ended = run.ended.then(() => {
      throw new QubesVMError(msg`${vm.name} stopped before its qrexec agent connected`)
    })
    const wait = {
      clock: this.#clock,
      ms: timeoutMs,
      what: `The connection of the agent of ${vm.name}`,
      onLate,
      signal,
    }
    await within(wait, Promise.race([this.#connection(run).promise, ended]))
  }

  /** Waits until the agent has connected: services inside guests, which would show that a guest is ready, cannot be called yet. */
  async ready(vm: QubesVM, timeoutMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.connected(vm, timeoutMs, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  #connection(run: Run): PromiseWithResolvers<void> {
    const connection = this.#connections.get(run) ?? Promise.withResolvers<void>()
    this.#connections.set(run, connection)
    return connection
  }
}
