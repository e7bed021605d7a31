import { providesNetwork } from '../domains/properties/net-properties.ts'
import { debug } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'

const seedBytes = 64

/** How much of a guest outlives its run, in the words of the guest's agents. */
const persistence = { TemplateVM: 'full', StandaloneVM: 'full', AppVM: 'rw-only', DispVM: 'none' } as const

/** What a guest is told of itself before it runs (reference: storage-and-lifecycle, B.7.4), by path. */
export function guestDatabase(vm: QubesVM): Map<string, string> {
  const entries: readonly (readonly [path: string, value: unknown])[] = [
    ['/name', vm.name],
    ['/type', vm.klass],
    ['/default-user', vm.get({ name: 'default_user' })],
    ['/qubes-vm-updateable', vm.get({ name: 'updateable' }) ? 'True' : 'False'],
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
  const [primary, secondary] = String(vm.get({ name: 'dns' }) ?? '').split(' ')
  const value = (name: string): unknown => vm.get({ name })
  const provider: (readonly [string, unknown])[] = [
    ['/qubes-netvm-network', value('gateway')],
    ['/qubes-netvm-gateway', value('gateway')],
    ['/qubes-netvm-gateway6', value('gateway6')],
    ['/qubes-netvm-netmask', value('visible_netmask')],
    ['/qubes-netvm-primary-dns', primary],
    ['/qubes-netvm-secondary-dns', secondary],
  ]
  const client: (readonly [string, unknown])[] = [
    ['/qubes-mac', value('mac')],
    ['/qubes-ip', value('visible_ip')],
    ['/qubes-netmask', value('visible_netmask')],
    ['/qubes-gateway', value('visible_gateway')],
    ['/qubes-primary-dns', primary],
    ['/qubes-secondary-dns', secondary],
    ['/qubes-ip6', value('visible_ip6')],
    ['/qubes-gateway6', value('visible_gateway6')],
  ]
  return [...(vm.get(providesNetwork) ? provider : []), ...(vm.netvm ? client : [])]
}
