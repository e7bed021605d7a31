import { cloneOrCopy, type Files, replaceDurably } from '@cloister/os'

/** UEFI firmware for q35: its code, and the variables that a new domain begins with. */
export interface Firmware {
  readonly code: string
  readonly variables: string
}

/** Where distributions put OVMF: Debian and Ubuntu, Fedora, Arch, openSUSE. */
const places: readonly Firmware[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
  { code: '/usr/share/qemu/ovmf-x86_64-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-vars.bin' },
]

/** The UEFI firmware that is installed, if any. */
export async function findFirmware(files: Files): Promise<Firmware | undefined> {
  for (const place of places) {
    if ((await files.stat(place.code)) && (await files.stat(place.variables))) {
      return { code: await files.resolve(place.code), variables: await files.resolve(place.variables) }
    }
  }
  return undefined
}

/** Copies the variables for a domain at its first start. */
export async function makeVariables(files: Files, { variables }: Firmware, path: string): Promise<void> {
  if (await files.stat(path)) return
  await replaceDurably(files, path, (temporary) => cloneOrCopy(files, variables, temporary))
}
