import type { QubesVM } from '../qubes-vm.ts'

/** Given to guests without PCI devices when nothing else is said (reference: storage-and-lifecycle, B.9). */
const builtInKernelopts = 'swiotlb=2048'

/** The default of `kernelopts`: none without a kernel, else the template's, else what the kernel's folder says. */
export function defaultKernelopts(vm: QubesVM): string {
  const name = vm.get<string | null>({ name: 'kernel' })
  if (!name) return ''
  const inherited = vm.template?.get<string | null>({ name: 'kernelopts' })
  return inherited ?? vm.app.kernels.known(name)?.defaultOptions.nopci ?? builtInKernelopts
}

const modeFeature = 'boot-mode.kernelopts.'

/** True when the guest offers a boot mode. */
function offers(vm: QubesVM, mode: string): boolean {
  return mode === 'default' || vm.featureWithTemplate(`${modeFeature}${mode}`) !== undefined
}

/** The default of `bootmode`: the active one if the guest offers it, else the template's default for its children, else `default`. */
export function defaultBootmode(vm: QubesVM): string {
  const wanted = [
    vm.features.find('boot-mode.active'),
    vm.template?.get<string | null>({ name: 'appvm_default_bootmode' }),
  ]
  return wanted.find((mode) => !!mode && offers(vm, mode)) ?? 'default'
}

/** Kernel options that belong to the boot mode of the domain. */
function bootModeOptions(vm: QubesVM): string | undefined {
  return vm.featureWithTemplate(`${modeFeature}${vm.get<string | null>({ name: 'bootmode' }) ?? 'default'}`)
}

/** Security modules that a feature asks for, and what the kernel must be told. */
const securityModules: readonly (readonly [feature: string, options: string])[] = [
  ['apparmor', 'apparmor=1 security=apparmor'],
  ['selinux', 'selinux=1 security=selinux'],
]

/** Common part when the kernel's folder has none: serial console, root on the first disk. */
const builtInCommon = 'root=/dev/vda ro console=ttyS0'

/** The whole kernel command line (reference: storage-and-lifecycle, B.9; C.2 for the parts that differ on QEMU). */
export function kernelCommandLine(vm: QubesVM): string {
  const own = [vm.get<string | null>({ name: 'kernelopts' }), bootModeOptions(vm)]
  if (vm.featureWithTemplate('no-default-kernelopts')) return joined(own)
  const name = vm.get<string | null>({ name: 'kernel' }) ?? ''
  const common = vm.app.kernels.known(name)?.defaultOptions.common ?? builtInCommon
  const machineId =
    vm.featureWithTemplate('os') === 'Linux' ? `systemd.machine_id=${vm.uuid.replaceAll('-', '')}` : undefined
  const security = securityModules.find(([feature]) => vm.featureWithTemplate(feature) === '1')?.[1]
  const [kernelopts, mode] = own
  return joined([machineId, withoutNomodeset(vm, common), kernelopts, security, mode])
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
