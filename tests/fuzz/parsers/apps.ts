import { Untrusted } from '@cloister/kit'
import { UsageError } from '../../../apps/cli/src/cli-error.ts'
import { parseSeconds, parseSize } from '../../../apps/cli/src/sizes.ts'
import { parseConfiguration } from '../../../apps/daemon/src/configuration.ts'
import { parseOptions } from '../../../apps/daemon/src/options.ts'
import { type FuzzedParser, textParser } from '../fuzzed-parser.ts'

const configuration = `hypervisor = "qemu:///embed?root=/run/cloister/qemu"
group = "qubes"
debug = false

[images]
largest_gib = 100

[log]
level = "info"
reads = true
`

export const appParsers: readonly FuzzedParser[] = [
  textParser('configuration of the daemon', [configuration], (text) =>
    parseConfiguration(new Untrusted(text), 'cloister.toml'),
  ),
  textParser('options of the daemon', ['--state\n/s\n--run\n/r\n--log-level\ndebug', '--help', '--version'], (text) =>
    parseOptions(text.split('\n')),
  ),
  textParser('size on the command line', ['10G', '1.5 MiB', '512'], parseSize, [UsageError]),
  textParser('time on the command line', ['30', '5m', '1.5h'], parseSeconds, [UsageError]),
]
