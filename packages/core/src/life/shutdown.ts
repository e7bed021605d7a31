import { msg, QubesVMNotRunningError, QubesVMShutdownTimeoutError } from '@cloister/kit'
import { within } from '@cloister/os'
import type { ShutdownOptions } from '../domains/ports/power-control.ts'
import { shutdownTimeout } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'
import { destroyGuest, waits } from './guest-power.ts'

/** Time between two requests to a guest that does not react, ms. */
const repeatMs = 3000

/**
 * Requests to shut down. A guest ignores a request that comes before its kernel listens to the power button, so the request is
 * repeated until the guest reacts, within the domain's `shutdown_timeout`.
 */
export class Shutdown {
  readonly #vm: QubesVM
  /** Runs whose guest is asked repeatedly. */
  readonly #repeated = new WeakSet<Run>()

  constructor(vm: QubesVM) {
    this.#vm = vm
  }

  /** @throws QubesVMShutdownTimeoutError when the guest cannot be asked, or when the caller waits and it does not end in time */
  async request(run: Run, { force = false, wait = false }: ShutdownOptions): Promise<void> {
    const { name } = this.#vm
    if (run.state === 'paused') {
      if (!force && !this.#vm.isPreloaded)
        throw new QubesVMNotRunningError(msg`${name} is paused and cannot shut down: unpause it, or use force`)
      await destroyGuest(this.#vm, run)
    } else {
      await this.#press(run)
      this.#repeat(run)
    }
    if (wait) await this.#waitForEnd(run)
  }

  async #press(run: Run): Promise<void> {
    const { name, app } = this.#vm
    const wait = { clock: app.os.clock, ms: waits.answerMs, what: `The request to shut down ${name}` }
    try {
      await within(wait, run.domain.shutdown())
    } catch (cause) {
      throw new QubesVMShutdownTimeoutError(msg`${name} cannot be asked to shut down`, { cause })
    }
  }

  /** Repeats the request while the guest keeps running, until `shutdown_timeout` is over. */
  #repeat(run: Run): void {
    const { clock } = this.#vm.app.os
    if (this.#repeated.has(run)) return
    this.#repeated.add(run)
    const end = clock.monotonic() + this.#seconds * 1000
    const again = (): void => {
      if (run.stopReceived || clock.monotonic() >= end) this.#repeated.delete(run)
      else if (run.state !== 'running') next()
      // A failed request is repeated too: the guest may be about to end.
      else this.#press(run).then(next, next)
    }
    const next = (): void => void clock.after(repeatMs, again)
    next()
  }

  async #waitForEnd(run: Run): Promise<void> {
    const [{ name, app }, seconds] = [this.#vm, this.#seconds]
    const onLate = (): Error => new QubesVMShutdownTimeoutError(msg`${name} did not shut down in ${seconds} s`)
    const wait = { clock: app.os.clock, ms: seconds * 1000, what: `The shutdown of ${name}`, onLate }
    await within(wait, run.ended)
  }

  get #seconds(): number {
    return this.#vm.get(shutdownTimeout) ?? 0
  }
}
