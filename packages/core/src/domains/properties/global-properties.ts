import { msg, QubesPropertyValueError } from '@cloister/kit'
import { type AnyProperty, type Property, type PropertyTable, propertyTable } from '../../properties/property.ts'
import { boolProperty, intProperty, patternParser, strProperty } from '../../properties/property-kinds.ts'
import { poolVolumes } from '../../storage/pool-volumes.ts'
import type { BaseVM } from '../base-vm.ts'
import type { SystemObject } from '../system-object.ts'
import { TemplateVM } from '../template-vm.ts'
import { checkDisposableTemplate } from './dvm-template.ts'
import { checkDefaultNetvm } from './net-properties.ts'
import { vmProperty } from './object-kinds.ts'

// Properties of the global object (reference: admin-api, 5.1).

export const checkUpdatesVm: Property<SystemObject, boolean> = boolProperty({
  name: 'check_updates_vm',
  stage: 3,
  help: 'Whether new domains look for updates.',
  fallback: () => true,
})

export const defaultTemplate: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'default_template',
  stage: 3,
  help: 'Template of new domains when none is named.',
  check: (_app, value) => {
    if (value && !(value instanceof TemplateVM))
      throw new QubesPropertyValueError(msg`default_template must be a TemplateVM, which ${value.name} is not`)
  },
})

export const defaultNetvm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'default_netvm',
  stage: 3,
  help: 'Domain that gives network to those that name no other.',
  fallback: () => null,
  check: (_app, value) => checkDefaultNetvm(value),
})

export const defaultDispvm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'default_dispvm',
  stage: 3,
  help: 'Template of disposables when none is named.',
  fallback: () => null,
  check: checkDisposableTemplate('default_dispvm'),
})

export const managementDispvm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'management_dispvm',
  stage: 3,
  help: 'Template of the disposables that manage other domains.',
  fallback: () => null,
  check: checkDisposableTemplate('management_dispvm'),
})

export const defaultGuivm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'default_guivm',
  local: true,
  stage: 3,
  help: 'Domain that shows windows when no other is named.',
  fallback: ({ app }) => app.adminVM,
})

export const defaultAudiovm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'default_audiovm',
  local: true,
  stage: 3,
  help: 'Domain that plays sound when no other is named.',
  fallback: ({ app }) => app.adminVM,
})

export const clockvm: Property<SystemObject, BaseVM | null> = vmProperty({
  name: 'clockvm',
  local: true,
  stage: 3,
  help: 'Domain that sets the clock.',
  fallback: () => null,
})

export const defaultKernel: Property<SystemObject, string | null> = strProperty({
  name: 'default_kernel',
  stage: 3,
  help: 'Kernel of domains that name no other.',
  parse: patternParser(/^[^/]*$/, 'the name of a kernel holds no slash'),
  verify: ({ app }: SystemObject, value) => app.kernels.require(value ?? ''),
})

export const defaultQrexecTimeout: Property<SystemObject, number | null> = intProperty({
  name: 'default_qrexec_timeout',
  stage: 3,
  help: 'Seconds that the agent of a guest has to connect.',
  fallback: () => 60,
})

export const defaultShutdownTimeout: Property<SystemObject, number | null> = intProperty({
  name: 'default_shutdown_timeout',
  stage: 3,
  help: 'Seconds that a guest has to shut down.',
  fallback: () => 60,
})

export const statsInterval: Property<SystemObject, number | null> = intProperty({
  name: 'stats_interval',
  stage: 3,
  help: 'Seconds between two reports of statistics.',
  least: 1,
  fallback: () => 3,
})

function poolProperty(
  name: string,
  help: string,
  fallback: (system: SystemObject) => string | null,
): Property<SystemObject, string | null> {
  return strProperty({
    name,
    stage: 3,
    help,
    fallback,
    check: ({ app }, value) => {
      if (value === null || !app.pools.has(value))
        throw new QubesPropertyValueError(msg`Cannot set ${name}: there is no storage pool ${value ?? ''}`)
    },
  })
}

export const defaultPool: Property<SystemObject, string | null> = poolProperty(
  'default_pool',
  'Storage pool of new volumes.',
  ({ app }) => app.pools.systemDefault(),
)

/** Storage pools of new volumes by the name of the volume, such as `root` or `kernel`. */
export const defaultPools: ReadonlyMap<string, Property<SystemObject, string | null>> = new Map(
  poolVolumes.map((volume) => [
    volume,
    poolProperty(
      `default_pool_${volume}`,
      `Storage pool of new ${volume} volumes.`,
      (system) => system.get(defaultPool) ?? null,
    ),
  ]),
)

const others: readonly AnyProperty[] = [
  vmProperty<SystemObject>({
    name: 'updatevm',
    local: true,
    stage: 3,
    help: 'Domain that downloads updates for the host.',
    fallback: () => null,
  }),
  intProperty<SystemObject>({
    name: 'maxmem',
    stage: 3,
    help: 'Memory of the host in MiB.',
    writable: 'never',
    fallback: ({ app }) => Math.floor(app.os.host.memory / 2 ** 20),
  }),
  intProperty<SystemObject>({
    name: 'no_cpus',
    stage: 3,
    help: 'Number of processors of the host.',
    writable: 'never',
    fallback: ({ app }) => app.os.host.cpus,
  }),
  ...defaultPools.values(),
]

export const globalProperties: PropertyTable = propertyTable([
  checkUpdatesVm,
  defaultTemplate,
  defaultNetvm,
  defaultDispvm,
  managementDispvm,
  defaultGuivm,
  defaultAudiovm,
  clockvm,
  defaultKernel,
  defaultQrexecTimeout,
  defaultShutdownTimeout,
  statsInterval,
  defaultPool,
  ...others,
])
