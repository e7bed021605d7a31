import { msg, QubesValueError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import { BaseVM } from '../domains/base-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { missingForPreload, preloadFeatures } from '../domains/preload-features.ts'
import { templateForDispvms } from '../domains/properties/dvm-template.ts'
import { maxmem } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { deferredNetvm } from '../network/network-links.ts'

/** Rules for features that the daemon or the guest reads (reference: admin-api, 7): a prefix, and a check of the rest of the name and of the value. */
const rules: readonly { readonly prefix: string; check(rest: string, value: string): string | undefined }[] = [
  {
    prefix: 'service.',
    check: (rest) => {
      if (rest === '' || rest === '.' || rest === '..' || rest.includes('/'))
        return 'the name of a service cannot be empty, a dot, or hold a slash'
      const long = rest.length > 48 && !rest.startsWith('app-dispvm.')
      return long ? 'the name of a service has at most 48 characters' : undefined
    },
  },
  {
    prefix: 'vm-config.',
    check: (rest) =>
      /^[A-Za-z].{0,51}$/.test(rest)
        ? undefined
        : 'the name of a setting begins with a letter and has at most 52 characters',
  },
  {
    prefix: 'custom-persist.',
    check: (rest, value) => {
      if (rest === '' || rest.length > 54) return 'the name has 1 to 54 characters'
      const fine = /^(\/.*|(file|dir):[^:]+:[^:]+:[0-7]{3,4}:\/.*)$/.test(value)
      return fine ? undefined : 'the value is a path, or file:user:group:mode:path, or dir:user:group:mode:path'
    },
  },
  { prefix: 'preload-dispvm-max', check: (rest, value) => wholeNumber(rest, value) },
  { prefix: 'preload-dispvm-threshold', check: (rest, value) => wholeNumber(rest, value) },
  {
    prefix: 'preload-dispvm-delay',
    check: (rest, value) =>
      rest !== '' || value === '' || /^-?\d+(\.\d+)?$/.test(value) ? undefined : 'the value is a number of seconds',
  },
]

function wholeNumber(rest: string, value: string): string | undefined {
  return rest !== '' || /^\d*$/.test(value) ? undefined : 'the value is a whole number'
}

/** Features that only the daemon sets and removes. */
export const reservedFeatures: ReadonlySet<string> = new Set([
  preloadFeatures.list,
  preloadFeatures.completed,
  preloadFeatures.inProgress,
  deferredNetvm,
])

/** A service by which older clients switch memory balancing. */
const meminfoWriter = 'service.meminfo-writer'

/** Refuses features that break a rule, before they are stored. */
export function registerFeatureRules(events: Events): void {
  events.on(BaseVM, 'domain-feature-pre-set', (_vm, { feature, value }) => {
    for (const { prefix, check } of rules) {
      const problem = feature.startsWith(prefix) ? check(feature.slice(prefix.length), value) : undefined
      if (problem) throw new QubesValueError(msg`Cannot set feature ${feature}: ${problem}`)
    }
  })
  events.on(BaseVM, 'domain-feature-pre-set', (vm, { value }) => requirePreloadSupport(vm, value), preloadFeatures.max)
  events.on(BaseVM, 'domain-feature-set', (vm, { value }, unit) => convertMeminfoWriter(vm, value, unit), meminfoWriter)
}

/** Disposables can be preloaded only of a template whose guests tell when they are ready; 0 is accepted for every domain. */
function requirePreloadSupport(vm: BaseVM, value: string): void {
  const missing = Number(value) > 0 && vm.propertyTable.has(templateForDispvms.name) && missingForPreload(vm)
  if (missing)
    throw new QubesValueError(
      msg`Disposables of ${vm.name} cannot be preloaded: its guests lack the feature ${missing}`,
    )
}

function convertMeminfoWriter(vm: BaseVM, value: string, unit: ChangeUnit): void {
  if (!(vm instanceof QubesVM)) return
  if (value === '') vm.set(unit, maxmem, 0)
  else vm.reset(unit, maxmem)
  vm.features.remove(unit, meminfoWriter)
}
