import { utf8 } from '@cloister/kit'
import { type Files, nodeOs } from '@cloister/os'
import { parseIPv4, parseIPv6 } from '../../../packages/core/src/domains/network/addresses.ts'
import { hostMemory } from '../../../packages/core/src/memory/host-memory.ts'
import { parseVolumeRecord } from '../../../packages/core/src/storage/volume-record.ts'
import { type FuzzedParser, textParser } from '../fuzzed-parser.ts'

const volume = JSON.stringify({
  pool: 'varlibqubes',
  name: 'private',
  vid: 'appvms/work/private',
  rw: 'True',
  save_on_stop: 'True',
  snap_on_start: 'False',
  revisions_to_keep: '1',
  size: '2147483648',
})

const os = nodeOs()

export const coreParsers: readonly FuzzedParser[] = [
  textParser('IPv4 address of a domain', ['10.137.0.5'], parseIPv4),
  textParser('IPv6 address of a domain', ['fd09:24ef:4179::a89:1', '::'], parseIPv6),
  textParser('stored volume', [volume], (text) => parseVolumeRecord(JSON.parse(text)), [SyntaxError, TypeError]),
  {
    name: '/proc/meminfo',
    seeds: [utf8('MemTotal:       16384 kB\nMemFree:        1024 kB\nMemAvailable:   8192 kB\n')],
    parse: (input) => hostMemory({ ...os, files: { read: async () => input } as unknown as Files }),
  },
]
