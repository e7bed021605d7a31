import * as net from '../domains/properties/net-properties.ts'
import { debug, defaultUser, updateable } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'

const seedBytes = 64

/** Which volumes of a guest persist, in the words of the guest's agents, by class. */
const persistence = { TemplateVM: 'full', StandaloneVM: 'full', AppVM: 'rw-only', DispVM: 'none' } as const

/** The entries of the guest's QubesDB before its first instruction (reference: storage-and-lifecycle, B.7.4), by path. */
export function guestDatabase(vm: QubesVM): Map<string, string> {
  const entries: readonly (readonly [path: string, value: unknown])[] = [
    ['/name', vm.name],
    ['/type', vm.klass],
    ['/default-user', vm.get(defaultUser)],
    ['/qubes-vm-updateable', vm.get(updateable) ? 'True' : 'False'],
    ['/qubes-vm-persistence', persistence[vm.klass as keyof typeof persistence]],
    ['/qubes-debug-mode', vm.get(debug) ? '1' : '0'],
    ['/qubes-base-template', vm.template?.name],
    ['/qubes-random-seed', Buffer.from(vm.app.os.host.random(seedBytes)).toString('base64')],
    [
      '/qubes-timezone',
      vm.features.enabled('anon-timezone') ? undefined : Intl.DateTimeFormat().resolvedOptions().timeZone,
    ],
    ['/qubes-block-devices', ''],
    ['/qubes-usb-devices', ''],
    ...networkEntries(vm),
  ]
  return new Map(
    entries.filter(([, value]) => value !== undefined && value !== null).map(([path, value]) => [path, String(value)]),
  )
}

function networkEntries(vm: QubesVM): (readonly [string, unknown])[] {
  const [primary, secondary] = (vm.get(net.dns) ?? '').split(' ')
  const provider: (readonly [string, unknown])[] = [
    ['/qubes-netvm-network', vm.get(net.gateway)],
    ['/qubes-netvm-gateway', vm.get(net.gateway)],
    ['/qubes-netvm-gateway6', vm.get(net.gateway6)],
    ['/qubes-netvm-netmask', vm.get(net.visibleNetmask)],
    ['/qubes-netvm-primary-dns', primary],
    ['/qubes-netvm-secondary-dns', secondary],
  ]
  const client: (readonly [string, unknown])[] = [
    ['/qubes-mac', vm.get(net.mac)],
    ['/qubes-ip', vm.get(net.visibleIp)],
    ['/qubes-netmask', vm.get(net.visibleNetmask)],
    ['/qubes-gateway', vm.get(net.visibleGateway)],
    ['/qubes-primary-dns', primary],
    ['/qubes-secondary-dns', secondary],
    ['/qubes-ip6', vm.get(net.visibleIp6)],
    ['/qubes-gateway6', vm.get(net.visibleGateway6)],
  ]
  return [...(vm.get(net.providesNetwork) ? provider : []), ...(vm.netvm ? client : [])]
}
