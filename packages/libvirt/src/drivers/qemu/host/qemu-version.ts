import { msg, utf8Text } from '@cloister/kit'
import type { Processes } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'

/** Version of a QEMU, as major * 1000000 + minor * 1000 + micro. @throws LibvirtError INTERNAL_ERROR, ProcessError */
export async function readQemuVersion(emulator: string, processes: Processes): Promise<number> {
  const { stdout } = await processes.run([emulator, '--version'])
  const said = utf8Text(stdout) ?? ''
  const [, major, minor, micro] = /^QEMU emulator version (\d{1,3})\.(\d{1,3})\.(\d{1,3})/.exec(said) ?? []
  if (major === undefined || minor === undefined || micro === undefined)
    throw new LibvirtError('INTERNAL_ERROR', msg`'${emulator} --version' says no version`, { domain: 'QEMU' })
  return Number(major) * 1_000_000 + Number(minor) * 1000 + Number(micro)
}
