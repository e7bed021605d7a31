import {
  parseBoolean,
  parseDecimal,
  parseInteger,
  parseXml,
  readQcow2Header,
  recogniseImage,
  utf8Text,
} from '@cloister/kit'
import { type FuzzedParser, textParser } from '../fuzzed-parser.ts'

/** Headers of qcow2 images: both versions, with a backing file, with extensions. */
export const qcow2Seeds: readonly Uint8Array[] = [2, 3].flatMap((version) =>
  ['', 'base.img', '/etc/shadow'].map((backing) => {
    const header = Buffer.alloc(700)
    header.writeUInt32BE(0x514649fb, 0)
    header.writeUInt32BE(version, 4)
    header.writeBigUInt64BE(backing === '' ? 0n : 512n, 8)
    header.writeUInt32BE(backing.length, 16)
    header.writeUInt32BE(16, 20)
    header.writeBigUInt64BE(1n << 30n, 24)
    header.writeUInt32BE(104, 100)
    header.writeUInt32BE(0x6803f857, 104)
    header.writeUInt32BE(48, 108)
    header.write(backing, 512)
    return header
  }),
)

export const kitParsers: readonly FuzzedParser[] = [
  { name: 'qcow2 header', seeds: qcow2Seeds, parse: readQcow2Header },
  {
    name: 'image format',
    seeds: [...qcow2Seeds, Buffer.from('vhdxfile'), Buffer.from('conectix'), Buffer.alloc(40_000)],
    parse: (input) => recogniseImage(input, input.subarray(-512)),
  },
  { name: 'UTF-8', seeds: [Buffer.from('text é 😀')], parse: utf8Text },
  textParser(
    'XML',
    [
      "<a b='c'>text<d/><![CDATA[x]]></a>",
      "<?xml version='1.0'?><!-- c --><domain type='kvm'><name>a&amp;b</name></domain>",
    ],
    (text) => parseXml(text),
  ),
  textParser('boolean', ['True', 'no'], parseBoolean),
  textParser('integer', [' +1_000 ', '-5'], parseInteger),
  textParser('decimal', ['0', '1099511627776'], parseDecimal),
]
