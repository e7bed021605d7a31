import type { FuzzedParser } from './fuzzed-parser.ts'
import { appParsers } from './parsers/apps.ts'
import { coreParsers } from './parsers/core.ts'
import { kitParsers } from './parsers/kit.ts'
import { libvirtParsers } from './parsers/libvirt.ts'
import { protocolParsers } from './parsers/protocol.ts'
import { storageParsers } from './parsers/storage.ts'

/** Every parser of bytes or text that come from outside of the program. */
export const allParsers: readonly FuzzedParser[] = [
  ...kitParsers,
  ...protocolParsers,
  ...libvirtParsers,
  ...storageParsers,
  ...coreParsers,
  ...appParsers,
]
