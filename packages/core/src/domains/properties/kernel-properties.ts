import { msg, QubesPropertyValueError } from '@cloister/kit'
import type { Property } from '../../properties/property.ts'
import { patternParser, strProperty } from '../../properties/property-kinds.ts'
import type { QubesVM } from '../qubes-vm.ts'

// What a domain boots (reference: admin-api, 5.5; storage-and-lifecycle, B.9).

/** Given to guests without PCI devices when no kernel options are set (reference: storage-and-lifecycle, B.9). */
const builtInKernelopts = 'swiotlb=2048'

/** Longest kernel command line that a domain may add. */
const kerneloptsLimit = 512

/** Prefix of the features by which a guest offers boot modes; the value is the kernel options of the mode. */
export const bootModeFeature = 'boot-mode.kernelopts.'

export const kernel: Property<QubesVM, string | null> = strProperty({
  name: 'kernel',
  help: 'Kernel to boot; empty to boot from the root volume.',
  inherits: true,
  systemDefault: 'default_kernel',
  parse: patternParser(/^[^/]*$/, 'the name of a kernel holds no slash'),
  verify: (vm: QubesVM, value) => vm.app.kernels.require(value ?? ''),
  fallback: (vm: QubesVM) => vm.template?.get(kernel) ?? vm.app.defaults.kernel,
})

export const kernelopts: Property<QubesVM, string | null> = strProperty({
  name: 'kernelopts',
  stage: 4,
  help: 'Options for the kernel command line.',
  inherits: true,
  parse: (_vm, text) => {
    if (text.length > kerneloptsLimit)
      throw new QubesPropertyValueError(msg`kernelopts may have ${kerneloptsLimit} characters, not ${text.length}`)
    if (!/^[\x20-\x7e]*$/.test(text))
      throw new QubesPropertyValueError(
        msg`kernelopts must be one line of printable ASCII, not ${JSON.stringify(text)}`,
      )
    return text
  },
  fallback: defaultKernelopts,
})

/** Boot mode of the domains that are based on a template. */
export const appvmDefaultBootmode: Property<QubesVM, string | null> = strProperty({
  name: 'appvm_default_bootmode',
  stage: 4,
  help: 'Boot mode of the domains that are based on this one.',
  fallback: (vm) => vm.features.find('boot-mode.appvm-default') ?? 'default',
})

export const bootmode: Property<QubesVM, string | null> = strProperty({
  name: 'bootmode',
  stage: 4,
  inherits: appvmDefaultBootmode.name,
  help: 'Name of the boot mode, one of those that the template offers.',
  fallback: defaultBootmode,
})

/** None without a kernel, else the template's, else what the kernel's folder says. */
function defaultKernelopts(vm: QubesVM): string {
  const name = vm.get(kernel)
  if (!name) return ''
  return vm.template?.get(kernelopts) ?? vm.app.kernels.known(name)?.defaultOptions.nopci ?? builtInKernelopts
}

/** The active mode if the guest offers it, else the template's default for its children, else `default`. */
function defaultBootmode(vm: QubesVM): string {
  const wanted = [vm.features.find('boot-mode.active'), vm.template?.get(appvmDefaultBootmode)]
  return wanted.find((mode) => !!mode && offers(vm, mode)) ?? 'default'
}

/** True when the guest offers a boot mode. */
function offers(vm: QubesVM, mode: string): boolean {
  return mode === 'default' || vm.featureWithTemplate(`${bootModeFeature}${mode}`) !== undefined
}
