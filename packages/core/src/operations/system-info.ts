import type { SystemInfoDomain } from '@cloister/admin-protocol'
import type { BaseVM } from '../domains/base-vm.ts'
import { isDisposableTemplate } from '../domains/properties/dvm-template.ts'
import { defaultDispvmOfVM, guivm } from '../domains/properties/qubes-vm-properties.ts'
import { relayvm, transportRpc } from '../domains/remote-vm.ts'

/** What a policy engine needs to know of a domain (reference: admin-api, 3.14). */
export function systemInfo(vm: BaseVM): SystemInfoDomain {
  return {
    internal: vm.features.find('internal') ?? null,
    tags: vm.tags.list(),
    type: vm.klass,
    template_for_dispvms: isDisposableTemplate(vm),
    default_dispvm: vm.get(defaultDispvmOfVM)?.name ?? null,
    icon: vm.icon,
    label: vm.label.color,
    guivm: vm.get(guivm)?.name ?? null,
    relayvm: vm.get(relayvm)?.name ?? null,
    transport_rpc: vm.get(transportRpc) ?? null,
    power_state: vm.powerState,
    uuid: vm.uuid,
  }
}
