import type { DomainDefinition } from '../../domain-definition.ts'

/** The domain of `test:///default` (reference: libvirt, 2.5), but for its interface, which belongs to a network. */
export const defaultDomain: DomainDefinition = {
  type: 'test',
  name: 'test',
  uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
  maxMemory: 8_388_608,
  memory: 2_097_152,
  vcpus: 2,
  os: { arch: 'i686', firmware: 'bios', boot: ['hd'] },
  features: [],
  cpu: { mode: 'default', disabled: [] },
  clock: 'utc',
  onPoweroff: 'destroy',
  onReboot: 'restart',
  onCrash: 'destroy',
  pm: { suspendToMem: true, suspendToDisk: true },
  devices: {
    disks: [
      {
        device: 'disk',
        source: { kind: 'file', path: '/guest/diskimage1' },
        format: 'raw',
        target: 'vda',
        bus: 'virtio',
        readonly: false,
        discard: 'ignore',
        cache: 'default',
      },
    ],
    interfaces: [],
    serials: [],
    consoles: [],
    channels: [],
    balloon: true,
    rng: false,
    panic: false,
  },
}
