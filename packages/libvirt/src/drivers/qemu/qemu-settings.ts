import { type Message, msg, parseDecimal } from '@cloister/kit'
import { LibvirtError } from '../../error.ts'
import { formatUri, type LibvirtUri } from '../../uri.ts'

/** The settings in a URI of this driver. */
export interface QemuSettings {
  /** Absolute path of the folder that holds all files of this driver. */
  readonly root: string
  /** First of the user ids that domains run as, when the daemon runs as root. */
  readonly uidBase: number
  /** `auto`: KVM if a guest boots under it, else emulation. */
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
}

/** The first id above what systemd gives to containers, which no other software of the system uses. */
const defaultUidBase = 0x7000_0000
/** How many user ids there are from the base on. */
export const uidCount: number = 0x1_0000
const largestUid = 0xffff_fffe

const parameters: ReadonlySet<string> = new Set(['root', 'uidbase', 'accel'])

/**
 * Reads `qemu:///embed?root=DIR`, with `uidbase=N` and `accel=auto|kvm|tcg` if wanted.
 * @throws LibvirtError INVALID_ARG
 */
export function readSettings(uri: LibvirtUri): QemuSettings {
  if (uri.path !== '/embed' || uri.fragment !== undefined) throw invalid(uri, msg`use qemu:///embed?root=DIR`)
  const unknown = [...uri.parameters.keys()].find((name) => !parameters.has(name))
  if (unknown !== undefined) throw invalid(uri, msg`there is no parameter '${unknown}'`)
  const root = parameter(uri, 'root', readRoot)
  if (root === undefined) throw invalid(uri, msg`the parameter root=DIR is missing`)
  return {
    root,
    uidBase: parameter(uri, 'uidbase', readUidBase) ?? defaultUidBase,
    accelerator: parameter(uri, 'accel', readAccelerator) ?? 'auto',
  }
}

/** A parameter's value, or undefined when it is not given; a reader that gives undefined refuses it. */
function parameter<T>(uri: LibvirtUri, name: string, read: (value: string) => T | undefined): T | undefined {
  const value = uri.parameters.get(name)
  if (value === undefined) return undefined
  const result = read(value)
  if (result === undefined) throw invalid(uri, msg`'${value}' is not a value for '${name}'`)
  return result
}

function readRoot(value: string): string | undefined {
  const plain = value.replace(/(?<=.)\/+$/, '')
  return /^(\/[^/]+)+$/.test(plain) && !/\/\.{1,2}(\/|$)/.test(plain) ? plain : undefined
}

function readUidBase(value: string): number | undefined {
  const base = Number(parseDecimal(value) ?? 0n)
  return base >= 1000 && base + uidCount <= largestUid ? base : undefined
}

function readAccelerator(value: string): QemuSettings['accelerator'] | undefined {
  return (['auto', 'kvm', 'tcg'] as const).find((one) => one === value)
}

function invalid(uri: LibvirtUri, { format, fields }: Message): LibvirtError {
  const text = { format: `cannot open '%s': ${format}`, fields: [formatUri(uri), ...fields] }
  return new LibvirtError('INVALID_ARG', text, { domain: 'QEMU' })
}
