import type { TextForm } from '../codec.ts'
import { anyText, joinLines, orEmpty, splitLines } from '../text-forms.ts'
import { adminBoolean, mgmtBoolean } from './boolean-words.ts'
import { formatPairs, KeyValues } from './key-values.ts'
import { size, volumeRevisionsToKeep } from './numbers.ts'

/** What `volume.Info` says of a volume; sizes in bytes. A field that a dialect does not send is undefined after decoding. */
export interface VolumeInfo {
  readonly pool: string
  readonly vid: string
  readonly size: bigint
  readonly usage: bigint
  readonly rw: boolean
  /** True for kernel and volatile volumes, whose content is of no use outside of the domain. Sent by `mgmt.*` only. */
  readonly internal: boolean | undefined
  /** Vid of the volume that this one is a snapshot of. */
  readonly source: string | undefined
  readonly saveOnStop: boolean
  readonly snapOnStart: boolean
  /** This field and those that follow are sent by `admin.*` only. */
  readonly path: string | undefined
  readonly revisionsToKeep: number | undefined
  readonly ephemeral: boolean | undefined
  /** Whether the source was committed after the domain started; undefined when that is not known. */
  readonly isOutdated: boolean | undefined
}

const text = anyText('<text>')
const maybeText = orEmpty(text)

type Pair = readonly [key: string, value: string | undefined]

function formatMaybe<T>(form: TextForm<T>, value: T | undefined): string | undefined {
  return value === undefined ? undefined : form.format(value)
}

function volumeInfo(words: TextForm<boolean>, pairs: (info: VolumeInfo) => readonly Pair[]): TextForm<VolumeInfo> {
  return {
    syntax: '<property>=<value>\\n…',
    parse(content) {
      const values = new KeyValues(splitLines(content))
      return {
        pool: values.get('pool', text),
        vid: values.get('vid', text),
        size: values.get('size', size),
        usage: values.get('usage', size),
        rw: values.get('rw', words),
        internal: values.find('internal', words),
        source: values.get('source', maybeText),
        saveOnStop: values.get('save_on_stop', words),
        snapOnStart: values.get('snap_on_start', words),
        path: values.find('path', text),
        revisionsToKeep: values.find('revisions_to_keep', volumeRevisionsToKeep),
        ephemeral: values.find('ephemeral', words),
        isOutdated: values.find('is_outdated', words),
      }
    },
    format: (info) => joinLines(formatPairs(pairs(info))),
  }
}

function identity(info: VolumeInfo, words: TextForm<boolean>): Pair[] {
  return [
    ['pool', info.pool],
    ['vid', info.vid],
    ['size', size.format(info.size)],
    ['usage', size.format(info.usage)],
    ['rw', words.format(info.rw)],
  ]
}

/** Reply of `admin.vm.volume.Info`, in the order that clients know (reference: admin-api, 3.6). */
export const adminVolumeInfo: TextForm<VolumeInfo> = volumeInfo(adminBoolean, (info) => [
  ...identity(info, adminBoolean),
  ['source', info.source ?? ''],
  ['path', info.path],
  ['save_on_stop', adminBoolean.format(info.saveOnStop)],
  ['snap_on_start', adminBoolean.format(info.snapOnStart)],
  ['revisions_to_keep', formatMaybe(volumeRevisionsToKeep, info.revisionsToKeep)],
  ['ephemeral', formatMaybe(adminBoolean, info.ephemeral)],
  ['is_outdated', formatMaybe(adminBoolean, info.isOutdated)],
])

/** Reply of `mgmt.vm.volume.Info`: these keys and no others. */
export const mgmtVolumeInfo: TextForm<VolumeInfo> = volumeInfo(mgmtBoolean, (info) => [
  ...identity(info, mgmtBoolean),
  ['internal', mgmtBoolean.format(info.internal ?? false)],
  ['source', info.source ?? ''],
  ['save_on_stop', mgmtBoolean.format(info.saveOnStop)],
  ['snap_on_start', mgmtBoolean.format(info.snapOnStart)],
])
