import { msg, QubesVMError } from '@cloister/kit'
import type { Clock } from '@cloister/os'
import type { QubesVM } from '../domains/qubes-vm.ts'

/**
 * Agents inside guests, by which a guest says that it can be used. A domain whose feature `qrexec` is set counts as running
 * only when its agent has connected (reference: storage-and-lifecycle, B.2, B.3.1 step 20).
 */
export class Agents {
  readonly #clock: Clock
  readonly #connected = new WeakSet<QubesVM>()
  readonly #waiting = new Map<QubesVM, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes that the agent of a guest has connected, or is gone. */
  note(vm: QubesVM, connected: boolean): void {
    if (vm.run && !vm.run.starting) vm.run.usable = connected || !vm.featureWithTemplate('qrexec')
    if (!connected) {
      this.#connected.delete(vm)
      return
    }
    this.#connected.add(vm)
    this.#waiting.get(vm)?.()
  }

  /** Waits until the agent of a guest has connected, for `timeoutMs` at most. */
  async connected(vm: QubesVM, timeoutMs: number): Promise<void> {
    if (this.#connected.has(vm)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = this.#clock.after(timeoutMs, () => {
      const seconds = Math.round(timeoutMs / 1000)
      reject(
        new QubesVMError(
          msg`Cannot connect to the qrexec agent of ${vm.name} for ${seconds} seconds: see its console log`,
        ),
      )
    })
    this.#waiting.set(vm, resolve)
    try {
      // A guest that ends will never answer.
      await Promise.race([promise, vm.run?.ended.then(() => this.#refuseEnded(vm))])
    } finally {
      timer.cancel()
      this.#waiting.delete(vm)
    }
  }

  /**
   * Waits until the system inside a guest, and its session if it has one, is up: what a user would wait for. Ends early when
   * aborted. Services inside guests cannot be called yet; until then a guest counts as up when its agent has connected.
   */
  async ready(vm: QubesVM, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    const abort = (): void => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    try {
      await Promise.race([this.connected(vm, timeoutMs), aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #refuseEnded(vm: QubesVM): never {
    throw new QubesVMError(msg`${vm.name} stopped before its qrexec agent connected`)
  }
}
