import type { ChangeUnit } from '../changes/change-unit.ts'
import { DomainStorage } from '../storage/domain-storage.ts'
import type { VolumeKind } from '../storage/volume-kinds.ts'
import { BaseVM, type VMIdentity } from './base-vm.ts'
import type { AddressNumber } from './network/addresses.ts'
import type { PowerControl } from './ports/power-control.ts'
import type { PowerState } from './power-state.ts'
import { kernel } from './properties/kernel-properties.ts'
import { netvm } from './properties/net-properties.ts'
import { virtMode } from './properties/qubes-vm-properties.ts'
import type { Run } from './run.ts'
import type { System } from './system.ts'

/** A domain that runs here: it has volumes, a life cycle and a network side. */
export abstract class QubesVM extends BaseVM {
  readonly #storage: DomainStorage
  #run: Run | undefined

  constructor(app: System, identity: VMIdentity) {
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

  override get lifeCycle(): PowerControl {
    return this.app.power.of(this)
  }

  /** The run under way, or undefined while the domain is halted. */
  get run(): Run | undefined {
    return this.#run
  }

  set run(run: Run | undefined) {
    this.#run = run
    this.app.domains.noteRunning(this, run !== undefined)
  }

  /** True for a domain whose volumes take pool and settings from those of its template. */
  get hasVolumesLikeTemplate(): boolean {
    return false
  }

  /** True while the domain has no guest. */
  get isHalted(): boolean {
    return this.powerState === 'Halted'
  }

  get powerState(): PowerState {
    return this.run && !this.run.stopReceived ? this.run.powerState : 'Halted'
  }

  override get icon(): string {
    return this.features.enabled('servicevm') ? `servicevm-${this.label.name}` : super.icon
  }

  /** Refuses a start that the class does not allow. */
  checkStartable(): void {}

  /** What the domain's addresses are made from. */
  get addressNumber(): AddressNumber {
    return { range: 'domain', number: this.qid }
  }

  /** Name of the kernel to boot; undefined to boot from the root volume. */
  get kernel(): string | undefined {
    return this.get(kernel) || undefined
  }

  override get netvm(): BaseVM | undefined {
    return this.get(netvm) ?? undefined
  }

  /** True when the balancer may move memory between this domain and others (reference: storage-and-lifecycle, B.8). */
  get canBalanceMemory(): boolean {
    if (!this.app.hypervisors.of(this).capabilities.balloon) return false
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
