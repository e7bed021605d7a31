import { utf8 } from '@cloister/kit'
import type { Files } from '@cloister/os'
import { checkHeader } from '../../../packages/libvirt/src/drivers/qemu/machine/qcow2.ts'
import { readSettings } from '../../../packages/libvirt/src/drivers/qemu/qemu-settings.ts'
import { LineSplitter } from '../../../packages/libvirt/src/drivers/qemu/qmp/line-splitter.ts'
import { parseQmpMessage } from '../../../packages/libvirt/src/drivers/qemu/qmp/qmp-message.ts'
import { parseGuestStats } from '../../../packages/libvirt/src/drivers/qemu/run/memory-stats.ts'
import { readRunRecord } from '../../../packages/libvirt/src/drivers/qemu/run/run-record.ts'
import { LibvirtError } from '../../../packages/libvirt/src/error.ts'
import { testHost } from '../../../packages/libvirt/src/testing/test-host.ts'
import { parseUri } from '../../../packages/libvirt/src/uri.ts'
import { parseUuid } from '../../../packages/libvirt/src/uuid.ts'
import { parseDomainXml } from '../../../packages/libvirt/src/xml/domain-parse.ts'
import { type FuzzedParser, inPieces, textParser } from '../fuzzed-parser.ts'
import { qcow2Seeds } from './kit.ts'

const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f'

const domainXml = `<domain type='kvm'>
  <name>work</name><uuid>${uuid}</uuid><memory unit='MiB'>400</memory><vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>/k/vmlinuz</kernel><cmdline>root=/dev/vda</cmdline></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/>
      <source file='/p/root.img'/><target dev='vda' bus='virtio'/><readonly/></disk>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='virtio'/>
  </devices>
</domain>`

/** The monitor's and the run record's readers throw these; their callers give up the monitor, or the record, on any of them. */
const plain = [TypeError, SyntaxError, RangeError]

const record = JSON.stringify({
  bootId: 'b',
  token: 't',
  uuid,
  id: 1,
  uid: 1_879_048_192,
  process: { pid: 5, startTime: '7' },
  paused: false,
  live: '<domain/>',
  groups: ['/sys/fs/cgroup/x'],
  links: [],
})

const qmpLines = [
  '{"QMP":{"version":{"qemu":{"micro":0,"minor":2,"major":7},"package":""},"capabilities":["oob"]}}',
  '{"return":{},"id":"1"}',
  '{"error":{"class":"GenericError","desc":"no"},"id":"2"}',
  '{"timestamp":{"seconds":1,"microseconds":2},"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-shutdown"}}',
]

export const libvirtParsers: readonly FuzzedParser[] = [
  textParser('domain XML', [domainXml], (text) => parseDomainXml(text, testHost)),
  textParser('libvirt URI', ['qemu:///embed?root=/run/x&uidbase=100000', 'test:///default'], parseUri),
  textParser('settings of the QEMU driver', ['qemu:///embed?root=/run/x&accel=tcg&uidbase=1879048192'], (text) =>
    readSettings(parseUri(text)),
  ),
  textParser('UUID', [uuid, uuid.replaceAll('-', '')], parseUuid),
  {
    name: 'header of a qcow2 disk',
    seeds: qcow2Seeds,
    parse: (input) => checkHeader(input, { source: { kind: 'file', path: 'x' }, format: 'qcow2' }),
    errors: [LibvirtError],
  },
  {
    name: 'lines of the monitor, in pieces',
    seeds: qmpLines.map((line) => utf8(`${line}\n${line}\n`)),
    parse(input) {
      const splitter = new LineSplitter(64 << 10)
      for (const piece of inPieces(input)) for (const line of splitter.split(piece)) parseQmpMessage(line)
    },
    errors: plain,
  },
  textParser('message of the monitor', qmpLines, parseQmpMessage, plain),
  textParser(
    'memory statistics of a guest',
    ['{"stats":{"stat-total-memory":1024,"stat-free-memory":512},"last-update":5}'],
    (text) => parseGuestStats(JSON.parse(text)),
    plain,
  ),
  {
    name: 'run record',
    seeds: [utf8(record)],
    parse: (input) => readRunRecord({ read: async () => input } as unknown as Files, '/record'),
    errors: plain,
  },
]
