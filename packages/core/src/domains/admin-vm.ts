import { type AnyProperty, type Property, type PropertyTable, propertyTable } from '../properties/property.ts'
import { boolProperty, intProperty, patternParser, strProperty } from '../properties/property-kinds.ts'
import { BaseVM } from './base-vm.ts'
import type { PowerState } from './power-state.ts'
import { baseProperties } from './properties/base-properties.ts'
import { devicesDenied, keyboardLayoutPattern } from './properties/common-properties.ts'
import { checkDisposableTemplate } from './properties/dvm-template.ts'
import { vmProperty } from './properties/object-kinds.ts'
import type { System } from './system.ts'

export const zeroUuid = '00000000-0000-0000-0000-000000000000'

/** Memory of the admin domain, MiB, when the host does not tell how much it has. */
const fallbackMemory = 4096

/** Keyboard layout of domains that say nothing else: American English. */
export const usualLayout = 'us++'

export const adminKeyboardLayout: Property<AdminVM, string | null> = strProperty({
  name: 'keyboard_layout',
  help: 'Keyboard layout as layout+variant+options.',
  parse: patternParser(...keyboardLayoutPattern),
  fallback: () => usualLayout,
})

const adminProperties: readonly AnyProperty[] = [
  devicesDenied,
  adminKeyboardLayout,
  boolProperty<AdminVM>({
    name: 'include_in_backups',
    help: 'Whether a backup without a list of domains contains the domain.',
    fallback: () => true,
  }),
  intProperty<AdminVM>({
    name: 'maxmem',
    help: 'Memory of the host in MiB.',
    writable: 'never',
    fallback: (vm) => Math.floor(vm.app.os.host.memory / 2 ** 20) || fallbackMemory,
  }),
  strProperty<AdminVM>({ name: 'name', help: 'Name of the domain.', writable: 'never', fallback: (vm) => vm.name }),
  intProperty<AdminVM>({ name: 'qid', help: 'Number of the domain.', writable: 'never', fallback: (vm) => vm.qid }),
  strProperty<AdminVM>({ name: 'uuid', help: 'Identity of the domain.', writable: 'never', fallback: (vm) => vm.uuid }),
  boolProperty<AdminVM>({
    name: 'updateable',
    help: 'Whether software is updated in the domain itself.',
    writable: 'never',
    fallback: () => true,
  }),
  vmProperty<AdminVM>({
    name: 'default_dispvm',
    stage: 4,
    systemDefault: 'default_dispvm',
    help: 'Template of the disposables that the domain asks for.',
    fallback: (vm) => vm.app.defaults.dispvm,
    check: checkDisposableTemplate('default_dispvm'),
  }),
]

const table: PropertyTable = propertyTable(baseProperties, adminProperties)

/** The host itself: its programs manage the system; it cannot be started or stopped, and has no volumes. */
export class AdminVM extends BaseVM {
  override readonly klass = 'AdminVM'
  protected override readonly iconPrefix = 'adminvm'

  constructor(app: System) {
    super(app, { name: 'dom0', qid: 0, uuid: zeroUuid })
  }

  get propertyTable(): PropertyTable {
    return table
  }

  override get icon(): string {
    return 'adminvm-black'
  }

  get powerState(): PowerState {
    return 'Running'
  }
}
