import { errorText, utf8, utf8Text } from '@cloister/kit'
import { errorCode, type Os, ProcessError, writeDurably } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'
import type { Accelerator } from '../machine/arguments.ts'
import type { Places } from '../places.ts'
import { isObject } from '../qmp/qmp-message.ts'
import { bootSectorImage, bootSectorMarker } from './boot-sector.ts'

/** A guest under KVM boots in a tenth of a second; a guest that has not booted after this time will not boot, ms. */
const probeMs = 3000
/** How long a QEMU that was killed at the end of that time may take to end, ms. */
const killMs = 1000
const largestMemory = 64 << 10

/**
 * Whether guests run under KVM on this host: in some virtual machines `/dev/kvm` can be opened, but no guest executes an
 * instruction. So a guest is booted, once for each boot of the host and each QEMU binary; the result is kept in a file.
 */
export async function probeKvm(emulator: string, places: Places, { os, log }: DriverEnvironment): Promise<boolean> {
  if ((await os.files.stat('/dev/kvm')) === undefined) return false
  const key = await probeKey(emulator, os)
  const remembered = await recall(places, key, os)
  if (remembered !== undefined) return remembered
  const result = await bootProbe(emulator, 'kvm', places, os)
  if (!result.booted) log?.('warn', 'KVM is not usable, guests are emulated', { reason: result.reason })
  await writeDurably(os.files, places.probe, utf8(JSON.stringify({ key, usable: result.booted })))
  return result.booted
}

/** Boots the smallest guest there is. */
export async function bootProbe(
  emulator: string,
  accelerator: Accelerator,
  places: Places,
  os: Os,
): Promise<{ readonly booted: boolean; readonly reason: string }> {
  await makeImage(places.bootSector, os)
  const image = { driver: 'file', filename: places.bootSector, 'node-name': 'image', 'read-only': true }
  const disk = { driver: 'raw', file: 'image', 'node-name': 'disk', 'read-only': true }
  const command = [
    emulator,
    '-no-user-config',
    '-nodefaults',
    '-display',
    'none',
    '-machine',
    'q35',
    '-m',
    '32',
  ] as const
  const cpu = ['-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max', '-serial', 'stdio'] as const
  const boot = ['-blockdev', JSON.stringify(image), '-blockdev', JSON.stringify(disk)] as const
  const device = ['-device', JSON.stringify({ driver: 'virtio-blk-pci', drive: 'disk' })] as const
  const run = os.processes.run([...command, ...cpu, ...boot, ...device], { timeoutMs: probeMs })
  const decided = new AbortController()
  try {
    const { stdout } = await Promise.race([run, tooLate(os, decided.signal)])
    const booted = utf8Text(stdout)?.includes(bootSectorMarker) ?? false
    return { booted, reason: booted ? '' : 'the guest said nothing' }
  } catch (error) {
    if (error instanceof ProcessError) return { booted: false, reason: errorText(error) }
    throw error
  } finally {
    decided.abort()
  }
}

/** A process that waits in the kernel does not end when it is killed, so the wait for its end has a limit. */
async function tooLate(os: Os, decided: AbortSignal): Promise<never> {
  await os.clock.sleep(probeMs + killMs, decided)
  throw new ProcessError({ format: 'QEMU cannot be ended', fields: [] }, { command: ['qemu'] })
}

async function makeImage(path: string, os: Os): Promise<void> {
  try {
    await os.files.create(path, { data: bootSectorImage() })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

async function probeKey(emulator: string, os: Os): Promise<string> {
  const path = await os.files.resolve(emulator)
  const stat = await os.files.stat(path)
  return [os.host.bootId, path, stat?.device, stat?.inode, stat?.size, stat?.mtimeNs].join(' ')
}

async function recall({ probe }: Places, key: string, { files }: Os): Promise<boolean | undefined> {
  if ((await files.stat(probe)) === undefined) return undefined
  try {
    const value: unknown = JSON.parse(utf8Text(await files.read(probe, largestMemory)) ?? '')
    return isObject(value) && value['key'] === key && typeof value['usable'] === 'boolean' ? value['usable'] : undefined
  } catch (error) {
    // Without a result that can be read the probe is made again.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}
