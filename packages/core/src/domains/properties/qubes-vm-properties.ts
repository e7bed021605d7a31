import { msg, QubesPropertyValueError, QubesVMNotHaltedError } from '@cloister/kit'
import type { AnyProperty, Property } from '../../properties/property.ts'
import { boolProperty, intProperty, patternParser, strProperty } from '../../properties/property-kinds.ts'
import { adminKeyboardLayout } from '../admin-vm.ts'
import type { BaseVM } from '../base-vm.ts'
import type { QubesVM } from '../qubes-vm.ts'
import { devicesDenied, keyboardLayoutPattern } from './common-properties.ts'
import { checkDisposableTemplate } from './dvm-template.ts'
import { defaultBootmode, defaultKernelopts } from './kernel-options.ts'
import { vmProperty } from './object-kinds.ts'

// Properties of every domain that runs here (reference: admin-api, 5.5).

/** A default that the template decides, if there is one; `fallback` otherwise. */
function fromTemplate<V>(name: string, fallback: (vm: QubesVM) => V): (vm: QubesVM) => V {
  return (vm) => vm.template?.get<V>({ name }) ?? fallback(vm)
}

/** Properties whose default is the template's value: a change there is a change in all that are based on it. */
export const inheritedProperties: readonly string[] = [
  'default_user',
  'kernel',
  'kernelopts',
  'vcpus',
  'memory',
  'maxmem',
  'qrexec_timeout',
  'shutdown_timeout',
  'management_dispvm',
]

export const memory: Property<QubesVM, number | null> = intProperty({
  name: 'memory',
  help: 'Memory at start in MiB.',
  least: 1,
  fallback: fromTemplate('memory', () => 400),
})

export const vcpus: Property<QubesVM, number | null> = intProperty({
  name: 'vcpus',
  help: 'Number of virtual processors.',
  least: 1,
  fallback: fromTemplate('vcpus', () => 2),
})

/** How far memory may grow from what a Linux guest was started with. */
const linuxGrowth = 10
/** Default ceiling for guests that do not say what they are, MiB. */
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
  help: 'Kind of virtual machine: pvh, hvm (with firmware and graphics) or pv.',
  parse: (_vm, text) => patternParser(/^(hvm|pv|pvh)$/, 'it must be hvm, pv or pvh')(_vm, text.toLowerCase()),
  fallback: fromTemplate('virt_mode', () => 'pvh'),
})

export const kernel: Property<QubesVM, string | null> = strProperty({
  name: 'kernel',
  help: 'Kernel to boot; empty to boot from the root volume.',
  parse: patternParser(/^[^/]*$/, 'the name of a kernel holds no slash'),
  verify: (vm: QubesVM, value) => vm.app.kernels.require(value ?? ''),
  fallback: fromTemplate('kernel', (vm) => vm.app.defaultKernel ?? null),
})

/** Longest kernel command line that a domain may add. */
const kerneloptsLimit = 512

export const kernelopts: Property<QubesVM, string | null> = strProperty({
  name: 'kernelopts',
  stage: 4,
  help: 'Options for the kernel command line.',
  parse: (_vm, text) => {
    if (!/^[\x20-\x7e]*$/.test(text))
      throw new QubesPropertyValueError(
        msg`kernelopts must be one line of printable ASCII, not ${JSON.stringify(text)}`,
      )
    if (text.length <= kerneloptsLimit) return text
    throw new QubesPropertyValueError(msg`kernelopts may have ${kerneloptsLimit} characters, not ${text.length}`)
  },
  fallback: defaultKernelopts,
})

export const bootmode: Property<QubesVM, string | null> = strProperty({
  name: 'bootmode',
  stage: 4,
  help: 'Name of the boot mode, one of those that the template offers.',
  fallback: defaultBootmode,
})

export const qrexecTimeout: Property<QubesVM, number | null> = intProperty({
  name: 'qrexec_timeout',
  help: 'Seconds that the agent of the guest has to connect.',
  least: 1,
  fallback: fromTemplate('qrexec_timeout', (vm) => vm.app.defaultQrexecTimeout),
})

export const shutdownTimeout: Property<QubesVM, number | null> = intProperty({
  name: 'shutdown_timeout',
  help: 'Seconds that the guest has to shut down.',
  least: 1,
  fallback: fromTemplate('shutdown_timeout', (vm) => vm.app.defaultShutdownTimeout),
})

export const installedByRpm: Property<QubesVM, boolean> = boolProperty({
  name: 'installed_by_rpm',
  help: 'Whether a package manager owns the domain; it then cannot be removed here.',
  fallback: () => false,
})

export const autostart: Property<QubesVM, boolean> = boolProperty({
  name: 'autostart',
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
  help: 'Whether backups take the domain in when nothing else is said.',
  fallback: () => true,
})

export const guivm: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'guivm',
  stage: 4,
  help: 'Domain that shows the windows of this one.',
  fallback: (vm) => vm.app.defaultGuivm,
})

export const audiovm: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'audiovm',
  stage: 4,
  help: 'Domain that plays the sound of this one.',
  fallback: (vm) => vm.app.defaultAudiovm,
})

export const keyboardLayout: Property<QubesVM, string | null> = strProperty({
  name: 'keyboard_layout',
  help: 'Keyboard layout as layout+variant+options.',
  parse: patternParser(...keyboardLayoutPattern),
  fallback: (vm: QubesVM) => vm.get(guivm)?.get(adminKeyboardLayout) ?? 'us++',
})

export const defaultDispvmOfVM: Property<QubesVM, BaseVM | null> = vmProperty({
  name: 'default_dispvm',
  stage: 4,
  help: 'Template of the disposables that the domain asks for.',
  fallback: (vm) => vm.app.defaultDispvm,
  check: checkDisposableTemplate('default_dispvm'),
})

const stored: readonly AnyProperty[] = [
  devicesDenied,
  strProperty<QubesVM>({
    name: 'default_user',
    help: 'User that programs run as when nothing else is said.',
    parse: patternParser(/^[A-Za-z0-9_+,.-]*$/, 'a user name holds letters, digits and _-+,.'),
    fallback: fromTemplate('default_user', () => 'user'),
  }),
  intProperty<QubesVM>({
    name: 'backup_timestamp',
    help: 'Time of the last backup, seconds since 1970.',
    fallback: () => null,
  }),
  intProperty<QubesVM>({
    name: 'stubdom_mem',
    help: 'Memory of the device model domain in MiB; kept for the sake of Xen.',
    least: 1,
    fallback: () => null,
  }),
  vmProperty<QubesVM>({
    name: 'management_dispvm',
    stage: 4,
    help: 'Template of the disposables that manage this domain.',
    fallback: fromTemplate('management_dispvm', (vm) => vm.app.managementDispvm),
    check: checkDisposableTemplate('management_dispvm'),
  }),
]

const computed: readonly AnyProperty[] = [
  strProperty<QubesVM>({
    name: 'start_time',
    help: 'Time of the start, seconds since 1970.',
    writable: 'never',
    fallback: (vm) => (vm.run ? (vm.run.startedAt / 1000).toFixed(3) : null),
  }),
  intProperty<QubesVM>({
    name: 'xid',
    help: 'Number of the running domain in the hypervisor, or -1.',
    writable: 'never',
    fallback: (vm) => vm.run?.id ?? -1,
  }),
  intProperty<QubesVM>({
    name: 'stubdom_xid',
    help: 'Number of the device model domain, or -1; kept for the sake of Xen.',
    writable: 'never',
    fallback: () => -1,
  }),
  strProperty<QubesVM>({
    name: 'stubdom_uuid',
    help: 'Identity of the device model domain; kept for the sake of Xen.',
    writable: 'never',
    fallback: () => '',
  }),
  boolProperty<QubesVM>({
    name: 'updateable',
    help: 'Whether software is updated in the domain itself.',
    writable: 'never',
    fallback: (vm) => !vm.propertyTable.has('template'),
  }),
]

/** All of them; those of the network are in `net-vm.ts`. */
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
  ...stored,
  ...computed,
]
