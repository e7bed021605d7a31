import type { App } from '../app.ts'
import { LifeCycle } from '../life/life-cycle.ts'
import type { Run } from '../life/run.ts'
import type { ChangeUnit } from '../properties/property.ts'
import { DomainStorage } from '../storage/domain-storage.ts'
import type { VolumeKind } from '../storage/volume-kinds.ts'
import { BaseVM, type VMIdentity } from './base-vm.ts'
import type { AddressNumber } from './network/addresses.ts'
import type { PowerState } from './power-state.ts'
import { netvm } from './properties/net-properties.ts'
import { kernel, virtMode } from './properties/qubes-vm-properties.ts'

/** A domain that runs here: it has volumes, a life cycle and a network side. */
export abstract class QubesVM extends BaseVM {
  readonly #storage: DomainStorage
  #run: Run | undefined
  #lifeCycle: LifeCycle | undefined

  constructor(app: App, identity: VMIdentity) {
    super(app, identity)
    this.#storage = new DomainStorage(this)
  }

  /** The volumes that every domain of the class has, in the order of the guest's disks. */
  abstract readonly volumeKinds: readonly VolumeKind[]
  /** First part of the names of its volumes. */
  readonly folder: 'appvms' | 'vm-templates' = 'appvms'

  override get storage(): DomainStorage {
    return this.#storage
  }

  override get lifeCycle(): LifeCycle {
    this.#lifeCycle ??= new LifeCycle(this)
    return this.#lifeCycle
  }

  /** The run under way, or undefined while the domain is halted. */
  get run(): Run | undefined {
    return this.#run
  }

  set run(run: Run | undefined) {
    this.#run = run
    this.app.domains.noteRunning(this, run !== undefined)
  }

  get powerState(): PowerState {
    return this.run && !this.run.stopReceived ? this.run.powerState : 'Halted'
  }

  override get icon(): string {
    return this.features.enabled('servicevm') ? `servicevm-${this.label.name}` : super.icon
  }

  /** Refuses a start that the class does not allow. */
  checkStartable(): void {}

  /** Cleans up after a start that failed, when nothing of it is left. */
  async afterFailedStart(): Promise<void> {}

  /** What the domain's addresses are made from. */
  get addressNumber(): AddressNumber {
    return { range: 'domain', number: this.qid }
  }

  /** Name of the kernel to boot; undefined to boot from the root volume. */
  get kernel(): string | undefined {
    return this.get(kernel) || undefined
  }

  get netvm(): BaseVM | undefined {
    return this.get(netvm) ?? undefined
  }

  /** True when the balancer may move memory between this domain and others (reference: storage-and-lifecycle, B.8). */
  get canBalanceMemory(): boolean {
    if (!this.app.hypervisor.capabilities.balloon) return false
    if (this.get(virtMode) !== 'hvm') return true
    return !!this.featureWithTemplate('qrexec') && this.#reportsMemory
  }

  get #reportsMemory(): boolean {
    const services = this.features.names().filter((name) => name.startsWith('supported-service.'))
    return services.length === 0 || services.includes('supported-service.meminfo-writer')
  }

  /** True when memory can be plugged in while the domain runs. */
  get hasMemoryHotplug(): boolean {
    const feature = this.featureWithTemplate('memory-hotplug')
    if (feature !== undefined) return feature !== ''
    if (this.get(virtMode) === 'hvm') return false
    const name = this.kernel
    return name
      ? this.app.kernels.known(name)?.memoryHotplug === true
      : !!this.featureWithTemplate('supported-feature.memory-hotplug')
  }

  override register(unit: ChangeUnit): void {
    super.register(unit)
    this.storage.storeAll(unit)
  }
}
