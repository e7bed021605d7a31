import { utf8 } from '@cloister/kit'
import { isKernelName } from '../../../packages/storage/src/drivers/linux-kernel/kernels.ts'
import { defaultImageLimits } from '../../../packages/storage/src/foreign/image-limits.ts'
import { parseCheck, readForeignHeader } from '../../../packages/storage/src/foreign/qemu-image.ts'
import { ImageNames, isImageVid } from '../../../packages/storage/src/images/image-names.ts'
import { type FuzzedParser, textParser } from '../fuzzed-parser.ts'
import { qcow2Seeds } from './kit.ts'

const names = new ImageNames('/pool/appvms/work/private')

export const storageParsers: readonly FuzzedParser[] = [
  {
    name: 'header of an imported qcow2 image',
    seeds: qcow2Seeds,
    parse: (head) => readForeignHeader(head, defaultImageLimits),
  },
  {
    name: 'output of qemu-img check',
    seeds: [utf8('{"image-end-offset":393216,"total-clusters":1024,"check-errors":0,"allocated-clusters":1}')],
    parse: parseCheck,
  },
  textParser('vid of an image', ['appvms/work/private', 'vm-templates/debian/root'], isImageVid),
  textParser('name of an image file', ['private.img', 'private-dirty.img~a-0'], (text) => names.parse(text)),
  textParser('name of a revision', ['private.img.3@2024-01-02T03:04:05Z'], (text) => names.parseRevision(text)),
  textParser('name of a kernel', ['6.1.0-18-amd64'], isKernelName),
]
