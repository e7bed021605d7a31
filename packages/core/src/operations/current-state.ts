import type { DomainState } from '@cloister/admin-protocol'
import type { BaseVM } from '../domains/base-vm.ts'
import { memory } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** What a domain uses now (reference: admin-api, 3.5); zeroes when it is halted. */
export async function currentState(vm: BaseVM): Promise<DomainState> {
  const { powerState } = vm
  const nothing = { memory: 0n, memoryStaticMax: 0n, cpuTime: 0n, powerState }
  if (!(vm instanceof QubesVM)) return nothing
  if (!vm.run || powerState === 'Halted') return nothing
  const info = await vm.run.domain.getInfo()
  return {
    memory: BigInt(info.memory || (vm.get(memory) ?? 0) * 1024),
    memoryStaticMax: BigInt(info.maxMemory),
    cpuTime: info.cpuTime,
    powerState: vm.powerState,
  }
}
