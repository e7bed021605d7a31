import { join } from 'node:path'
import { type Files, removeIfPresent } from '@cloister/os'
import type { DomainDefinition } from '../../../domain-definition.ts'
import { LibvirtError } from '../../../error.ts'
import { makeVariables } from '../host/firmware.ts'
import type { QemuHost } from '../host/qemu-host.ts'
import type { QemuUser } from '../host/qemu-users.ts'
import type { Accelerator, MachinePlan } from '../machine/arguments.ts'
import { imageChain } from '../machine/disk-arguments.ts'
import { refuseUnnamedFiles } from '../machine/qcow2.ts'

/** Makes the files of a run: its folder for sockets, its logs, and the files that QEMU opens by path. */
export async function prepareMachine(
  host: QemuHost,
  definition: DomainDefinition,
  accelerator: Accelerator,
  user: QemuUser | undefined,
): Promise<MachinePlan> {
  const { places } = host
  const { files } = host.os
  const { uuid } = definition
  const images = definition.devices.disks.flatMap(imageChain)
  for (const image of images) if (image.format === 'qcow2') await refuseUnnamedFiles(image, host.os)
  const folder = places.runFolder(uuid)
  await files.removeTree(folder)
  await files.makeFolder(folder, 0o700)
  await removeIfPresent(files, places.log(uuid))
  await removeIfPresent(files, places.consoleLog(uuid))
  await files.create(places.consoleLog(uuid), { mode: 0o600 })
  if (user) for (const path of [folder, places.consoleLog(uuid)]) await files.setOwner(path, user.uid, user.gid)
  return {
    definition,
    accelerator,
    folder,
    consoleLog: places.consoleLog(uuid),
    ...(await bootFiles(host, definition.os, folder, user)),
    ...(definition.os.firmware === 'efi' && { firmware: await prepareFirmware(host, uuid) }),
  }
}

async function bootFiles(
  { os: { files } }: QemuHost,
  { kernel, initrd }: DomainDefinition['os'],
  folder: string,
  user: QemuUser | undefined,
): Promise<Pick<MachinePlan, 'kernel' | 'initrd'>> {
  const readable = (path: string, name: string): Promise<string> => makeReadable(files, path, join(folder, name), user)
  return {
    ...(kernel !== undefined && { kernel: await readable(kernel, 'kernel') }),
    ...(initrd !== undefined && { initrd: await readable(initrd, 'initrd') }),
  }
}

/**
 * A path to the same content that QEMU's user may read: QEMU opens kernels by itself, through a descriptor of ours but with
 * its own rights. A file that all users may read is used as it is; other files are copied for the run.
 */
async function makeReadable(files: Files, path: string, copy: string, user: QemuUser | undefined): Promise<string> {
  const real = await files.resolve(path)
  const readableByAll = ((await files.stat(real))?.mode ?? 0) & 0o004
  if (!user || readableByAll) return real
  await files.copySparse(real, copy)
  await files.setMode(copy, 0o400)
  await files.setOwner(copy, user.uid, user.gid)
  return copy
}

async function prepareFirmware(
  { firmware, places, os }: QemuHost,
  uuid: string,
): Promise<MachinePlan['firmware'] & {}> {
  if (!firmware) throw new LibvirtError('CONFIG_UNSUPPORTED', 'UEFI firmware is not installed', { domain: 'QEMU' })
  const variables = places.firmwareVariables(uuid)
  await makeVariables(os.files, firmware, variables)
  return { code: firmware.code, variables }
}
