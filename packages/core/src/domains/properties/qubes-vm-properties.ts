import { msg, QubesVMNotHaltedError } from '@cloister/kit'
import type { AnyProperty, Property } from '../../properties/property.ts'
import { boolProperty, intProperty, patternParser, strProperty } from '../../properties/property-kinds.ts'
import { adminKeyboardLayout, usualLayout } from '../admin-vm.ts'
import type { BaseVM } from '../base-vm.ts'
import type { QubesVM } from '../qubes-vm.ts'
import { devicesDenied, keyboardLayoutPattern } from './common-properties.ts'
import { checkDisposableTemplate } from './dvm-template.ts'
import { bootmode, kernel, kernelopts } from './kernel-properties.ts'
import { vmProperty } from './object-kinds.ts'

// Properties of every domain that runs here (reference: admin-api, 5.5).

export const memory: Property<QubesVM, number | null> = intProperty({
  name: 'memory',
  inherits: true,
  help: 'Memory at start in MiB.',
  least: 1,
  fallback: (vm: QubesVM) => vm.template?.get(memory) ?? 400,
})

export const vcpus: Property<QubesVM, number | null> = intProperty({
  name: 'vcpus',
  inherits: true,
  help: 'Number of virtual processors.',
  least: 1,
  fallback: (vm: QubesVM) => vm.template?.get(vcpus) ?? 2,
})

/** By how much the memory of a Linux guest may grow: a factor of the memory that it was started with. */
const linuxGrowth = 10
/** Default of `maxmem` for guests whose operating system is not known, MiB. */
const otherCeiling = 4000

function defaultMaxmem(vm: QubesVM): number {
  if (!vm.canBalanceMemory) return 0
  const inherited = vm.template?.get(maxmem)
  if (inherited !== undefined && inherited !== null) return inherited
  const ceiling = vm.featureWithTemplate('os') === 'Linux' ? linuxGrowth * (vm.get(memory) ?? 0) : otherCeiling
  return Math.min(ceiling, Math.floor(vm.app.os.host.memory / 2 ** 21))
}

export const maxmem: Property<QubesVM, number | null> = intProperty({
  name: 'maxmem',
  inherits: true,
  help: 'Most memory in MiB that balancing may give the domain; 0 switches balancing off.',
  least: 0,
  fallback: defaultMaxmem,
  check: (vm, value) => {
    if (vm.powerState === 'Halted' || vm.hasMemoryHotplug || value === vm.get(maxmem)) return
    throw new QubesVMNotHaltedError(msg`maxmem of ${vm.name} can only be changed while it is halted`)
  },
})

export const virtMode: Property<QubesVM, string | null> = strProperty({
  name: 'virt_mode',
  inherits: true,
  help: 'Kind of virtual machine: pvh, hvm (with firmware and graphics) or pv.',
  parse: (_vm, text) => patternParser(/^(hvm|pv|pvh)$/, 'it must be hvm, pv or pvh')(_vm, text.toLowerCase()),
  fallback: (vm: QubesVM) => vm.template?.get(virtMode) ?? 'pvh',
})

export const qrexecTimeout: Property<QubesVM, number | null> = intProperty({
  name: 'qrexec_timeout',
  inherits: true,
  systemDefault: 'default_qrexec_timeout',
  help: 'Seconds that the agent of the guest has to connect.',
  least: 1,
  fallback: (vm: QubesVM) => vm.template?.get(qrexecTimeout) ?? vm.app.defaults.qrexecTimeout,
})

export const shutdownTimeout: Property<QubesVM, number | null> = intProperty({
  name: 'shutdown_timeout',
  inherits: true,
  systemDefault: 'default_shutdown_timeout',
  help: 'Seconds that the guest has to shut down.',
  least: 1,
  fallback: (vm: QubesVM) => vm.template?.get(shutdownTimeout) ?? vm.app.defaults.shutdownTimeout,
})

export const installedByRpm: Property<QubesVM, boolean> = boolProperty({
  name: 'installed_by_rpm',
  perInstance: true,
  help: 'Whether a package manager owns the domain; it then cannot be removed here.',
  fallback: () => false,
})

export const autostart: Property<QubesVM, boolean> = boolProperty({
  name: 'autostart',
  perInstance: true,
  help: 'Whether the domain is started with the daemon.',
  fallback: () => false,
})

export const debug: Property<QubesVM, boolean> = boolProperty({
  name: 'debug',
  help: 'Whether the domain is started for debugging.',
  fallback: () => false,
})

export const includeInBackups: Property<QubesVM, boolean> = boolProperty({
  name: 'include_in_backups',
  perInstance: true,
  help: 'Whether a backup without a list of domains contains the domain.',
  fallback: () => true,
})

export const guivm: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'guivm',
  local: true,
  tagged: true,
  systemDefault: 'default_guivm',
  stage: 4,
  help: 'Domain that shows the windows of this one.',
  fallback: (vm) => vm.app.defaults.guivm,
})

export const audiovm: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'audiovm',
  local: true,
  tagged: true,
  systemDefault: 'default_audiovm',
  stage: 4,
  help: 'Domain that plays the sound of this one.',
  fallback: (vm) => vm.app.defaults.audiovm,
})

export const keyboardLayout: Property<QubesVM, string | null> = strProperty({
  name: 'keyboard_layout',
  help: 'Keyboard layout as layout+variant+options.',
  parse: patternParser(...keyboardLayoutPattern),
  fallback: (vm: QubesVM) => layoutGivenBy(vm.get(guivm)),
})

/** The default layout of domains whose `guivm` is `shower`; the usual one when domains show each other's windows. */
export function layoutGivenBy(shower: BaseVM | null | undefined): string {
  const seen = new Set<BaseVM>()
  for (let at = shower; at && !seen.has(at); at = at.get(guivm)) {
    if (!at.isDefault(adminKeyboardLayout)) return at.get(adminKeyboardLayout) ?? usualLayout
    seen.add(at)
  }
  return usualLayout
}

export const defaultDispvmOfVM: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'default_dispvm',
  perInstance: true,
  systemDefault: 'default_dispvm',
  stage: 4,
  help: 'Template of the disposables that the domain asks for.',
  fallback: (vm) => vm.app.defaults.dispvm,
  check: checkDisposableTemplate('default_dispvm'),
})

/** User that programs in the guest run as when a call names no other. */
export const defaultUser: Property<QubesVM, string | null> = strProperty({
  name: 'default_user',
  inherits: true,
  help: 'User that programs in the guest run as when a call names no other.',
  parse: patternParser(/^[A-Za-z0-9_+,.-]*$/, 'a user name holds letters, digits and _-+,.'),
  fallback: (vm: QubesVM) => vm.template?.get(defaultUser) ?? 'user',
})

const managementDispvmOfVM: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'management_dispvm',
  inherits: true,
  systemDefault: 'management_dispvm',
  stage: 4,
  help: 'Template of the disposables that manage this domain.',
  // None in the template is none in its app domains, too: they do not fall back to the system's.
  fallback: (vm: QubesVM) => (vm.template ? vm.template.get(managementDispvmOfVM) : vm.app.defaults.managementDispvm),
  check: checkDisposableTemplate('management_dispvm'),
})

const lessUsed: readonly AnyProperty[] = [
  devicesDenied,
  defaultUser,
  intProperty<QubesVM>({
    name: 'backup_timestamp',
    perInstance: true,
    help: 'Time of the last backup, seconds since 1970.',
    fallback: () => null,
  }),
  intProperty<QubesVM>({
    name: 'stubdom_mem',
    help: 'Memory of the device model domain in MiB; for clients that expect it; Xen only.',
    least: 1,
    fallback: () => null,
  }),
  managementDispvmOfVM,
]

/** Whether software is updated in the domain itself. */
export const updateable: Property<QubesVM, boolean> = boolProperty({
  name: 'updateable',
  help: 'Whether software is updated in the domain itself.',
  writable: 'never',
  perInstance: true,
  fallback: (vm) => !vm.propertyTable.has('template'),
})

const computed: readonly AnyProperty[] = [
  strProperty<QubesVM>({
    name: 'start_time',
    perInstance: true,
    help: 'Time of the start, seconds since 1970.',
    writable: 'never',
    fallback: (vm) => (vm.run ? (vm.run.startedAt / 1000).toFixed(3) : null),
  }),
  intProperty<QubesVM>({
    name: 'xid',
    perInstance: true,
    help: 'Number of the running domain in the hypervisor, or -1.',
    writable: 'never',
    fallback: (vm) => vm.run?.id ?? -1,
  }),
  intProperty<QubesVM>({
    name: 'stubdom_xid',
    perInstance: true,
    help: 'Number of the device model domain, or -1; for clients that expect it; Xen only.',
    writable: 'never',
    fallback: () => -1,
  }),
  strProperty<QubesVM>({
    name: 'stubdom_uuid',
    perInstance: true,
    help: 'Identity of the device model domain; for clients that expect it; Xen only.',
    writable: 'never',
    fallback: () => '',
  }),
  updateable,
]

/** All properties of a domain that runs here, but for those of the network, which are in `net-properties.ts`. */
export const qubesVMProperties: readonly AnyProperty[] = [
  memory,
  vcpus,
  maxmem,
  virtMode,
  kernel,
  kernelopts,
  bootmode,
  qrexecTimeout,
  shutdownTimeout,
  installedByRpm,
  autostart,
  debug,
  includeInBackups,
  guivm,
  audiovm,
  keyboardLayout,
  defaultDispvmOfVM,
  ...lessUsed,
  ...computed,
]
