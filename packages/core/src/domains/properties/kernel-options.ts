import type { QubesVM } from '../qubes-vm.ts'
import { bootModeFeature, bootmode, kernelopts } from './kernel-properties.ts'

/** Security modules that a feature asks for, and what the kernel must be told. */
const securityModules: readonly (readonly [feature: string, options: string])[] = [
  ['apparmor', 'apparmor=1 security=apparmor'],
  ['selinux', 'selinux=1 security=selinux'],
]

/** Common part when the kernel's folder has none: serial console, root on the first disk. */
const builtInCommon = 'root=/dev/vda ro console=ttyS0'

/** The whole kernel command line (reference: storage-and-lifecycle, B.9; C.2 for the parts that differ on QEMU). */
export function kernelCommandLine(vm: QubesVM): string {
  const options = vm.get(kernelopts)
  const mode = vm.featureWithTemplate(`${bootModeFeature}${vm.get(bootmode) ?? 'default'}`)
  if (vm.featureWithTemplate('no-default-kernelopts')) return joined([options, mode])
  const common = vm.app.kernels.known(vm.kernel ?? '')?.defaultOptions.common ?? builtInCommon
  const machineId =
    vm.featureWithTemplate('os') === 'Linux' ? `systemd.machine_id=${vm.uuid.replaceAll('-', '')}` : undefined
  const security = securityModules.find(([feature]) => vm.featureWithTemplate(feature) === '1')?.[1]
  return joined([machineId, withoutNomodeset(vm, common), options, security, mode])
}

function withoutNomodeset(vm: QubesVM, options: string): string {
  if (!vm.featureWithTemplate('no-nomodeset')) return options
  return options
    .split(' ')
    .filter((option) => option !== 'nomodeset')
    .join(' ')
}

function joined(parts: readonly (string | null | undefined)[]): string {
  return parts.filter((part) => !!part).join(' ')
}
