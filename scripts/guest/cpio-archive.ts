/** One name in an archive. Paths have no leading slash; owner and group are root. */
export type ArchiveEntry = { readonly path: string; readonly mode: number } & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly data: Uint8Array }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'character-device'; readonly major: number; readonly minor: number }
)

/** File type bits of a mode, as in `<sys/stat.h>`. */
const typeBits: Record<ArchiveEntry['kind'], number> = {
  folder: 0o040000,
  file: 0o100000,
  link: 0o120000,
  'character-device': 0o020000,
}
const magic = '070701'
const alignment = 4
const nothing = new Uint8Array()

/** A cpio archive in the format `newc`, as the kernel unpacks at boot (its document: driver-api/early-userspace/buffer-format). */
export function cpioArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const members = entries.flatMap((entry, index) => member(entry, index + 1))
  const trailer = member({ kind: 'file', path: 'TRAILER!!!', mode: 0, data: nothing }, 0)
  return Buffer.concat([...members, ...trailer])
}

function member(entry: ArchiveEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`)
  const data = content(entry)
  const [major, minor] = entry.kind === 'character-device' ? [entry.major, entry.minor] : [0, 0]
  const [uid, gid, links, modified, deviceMajor, deviceMinor, checksum] = [0, 0, 1, 0, 0, 0, 0]
  const mode = typeBits[entry.kind] | entry.mode
  const fields = [
    inode,
    mode,
    uid,
    gid,
    links,
    modified,
    data.length,
    deviceMajor,
    deviceMinor,
    major,
    minor,
    name.length,
    checksum,
  ]
  const header = Buffer.from(magic + fields.map((field) => field.toString(16).padStart(8, '0')).join(''))
  return [header, name, padding(header.length + name.length), data, padding(data.length)]
}

function content(entry: ArchiveEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data
  return entry.kind === 'link' ? Buffer.from(entry.target) : nothing
}

function padding(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment)
}
