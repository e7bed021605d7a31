import { errorChain, Mutex } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { clientsOf } from '../domains/network/network-graph.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'
import type { System } from '../domains/system.ts'

/** Feature: name of the netvm to which a guest is still connected because it was paused when its `netvm` changed; empty for none. */
export const deferredNetvm = 'deferred-netvm-original'

/**
 * Connects running guests with their `netvm` (reference: storage-and-lifecycle, B.7.2): at once while a guest runs, and for a
 * paused guest when it is resumed. Until then a feature, which survives the daemon, names the netvm of the connection.
 */
export class NetworkLinks {
  readonly #app: System
  /** The netvm to which the guest of each run is connected, when it has changed since the start. */
  readonly #linked = new WeakMap<Run, BaseVM | undefined>()
  readonly #locks = new WeakMap<QubesVM, Mutex>()

  constructor(app: System) {
    this.#app = app
  }

  /** The netvm of a domain has changed: connects its guest with the new one, after the change or when the guest is resumed. */
  netvmChanged(unit: ChangeUnit, vm: QubesVM, before: BaseVM | undefined): void {
    const { run } = vm
    if (!run || run.stopReceived || before === vm.netvm) return
    const linked = this.#linkedTo(vm, run, before)
    this.#linked.set(run, linked)
    if (isLive(vm)) this.#app.changes.afterwards(unit, () => this.settle(vm))
    else if (!this.isDeferred(vm)) vm.features.set(unit, deferredNetvm, linked?.name ?? '')
  }

  /** True while the guest is connected to another netvm than its own, because it does not run. */
  isDeferred(vm: QubesVM): boolean {
    return vm.features.find(deferredNetvm) !== undefined
  }

  /** Connects a running guest with its netvm unless it is connected; starts the netvm when it is halted. */
  async settle(vm: QubesVM): Promise<void> {
    // Outside the lock: the start of the netvm takes the lock too, to connect its clients.
    if (isLive(vm) && vm.netvm?.powerState === 'Halted') await vm.netvm.lifeCycle?.start()
    await this.#lock(vm).run(() => this.#exchange(vm))
  }

  /** Connects a guest that was resumed with the netvm that it got while it was paused; failures are logged. */
  async settleDeferred(vm: QubesVM): Promise<void> {
    if (isLive(vm) && this.isDeferred(vm)) await this.#tolerant(vm, () => this.settle(vm))
  }

  /** A netvm has started: connects the guests that wait for it. */
  async attachClients(provider: QubesVM): Promise<void> {
    for (const client of this.#liveClients(provider)) {
      const linked = client.run && this.#linkedTo(client, client.run, provider)
      await this.#tolerant(client, async () => {
        if (linked === provider) await this.#app.network.connect(client, provider)
        else await this.settle(client)
      })
    }
  }

  /** A netvm has stopped: its clients are not connected any more. */
  async detachClients(provider: QubesVM): Promise<void> {
    for (const client of this.#liveClients(provider))
      await this.#tolerant(client, async () => this.#app.network.disconnect(client, provider))
  }

  /** Drops the feature of a domain whose guest has ended or does not exist yet. */
  async forget(vm: QubesVM): Promise<void> {
    if (!vm.registered || !this.isDeferred(vm)) return
    await this.#app.changes.make((unit) => vm.features.remove(unit, deferredNetvm))
  }

  async #exchange(vm: QubesVM): Promise<void> {
    const { run, netvm } = vm
    if (!run || !isLive(vm)) return
    const before = this.#linkedTo(vm, run, netvm)
    if (before !== netvm) {
      if (before instanceof QubesVM && before.powerState !== 'Halted') await this.#app.network.disconnect(vm, before)
      if (netvm instanceof QubesVM) await this.#app.network.connect(vm, netvm)
      this.#linked.set(run, netvm)
      if (netvm) await this.#app.events.fireLife(netvm, 'net-domain-connect', { vm })
    }
    await this.forget(vm)
  }

  /** The netvm to which a guest is connected; `otherwise` when its netvm has not changed while it was paused. */
  #linkedTo(vm: QubesVM, run: Run, otherwise: BaseVM | undefined): BaseVM | undefined {
    if (this.#linked.has(run)) return this.#linked.get(run)
    const original = vm.features.find(deferredNetvm)
    return original === undefined ? otherwise : this.#app.domains.find(original)
  }

  *#liveClients(provider: QubesVM): Generator<QubesVM> {
    for (const client of [...clientsOf(provider)]) if (client instanceof QubesVM && isLive(client)) yield client
  }

  async #tolerant({ name }: QubesVM, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#app.log.error('changing the netvm connection of a guest failed', {
        domain: name,
        error: errorChain(error),
      })
    }
  }

  #lock(vm: QubesVM): Mutex {
    const lock = this.#locks.get(vm) ?? new Mutex()
    this.#locks.set(vm, lock)
    return lock
  }
}

/** True while interfaces of a guest can be changed. */
function isLive({ run }: QubesVM): boolean {
  return !!run && !run.stopReceived && run.released && run.state === 'running'
}
