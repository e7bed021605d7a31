import type { BaseVM } from '../domains/base-vm.ts'
import type { DispVM } from '../domains/disp-vm.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'

/** Features that say how many disposables of the template are preloaded; a disposable is no template. */
const aboutPreloading = /^preload-dispvm/

/**
 * Gives a new disposable what is set in its template: properties that the disposable has not got yet, features, tags and
 * firewall; the label is chosen by the caller (reference: storage-and-lifecycle, B.6.1).
 */
export function inheritFromTemplate(vm: DispVM, template: BaseVM): void {
  for (const [{ name, format }, value] of template.explicitProperties()) {
    const own = vm.propertyTable.get(name)
    if (!own?.clone || name === labelOfVM.name || !vm.isDefault(own)) continue
    vm.load(name, value === null ? null : format(value))
  }
  for (const name of template.features.names()) {
    if (!aboutPreloading.test(name)) vm.features.load(name, template.features.find(name) ?? '')
  }
  for (const tag of template.tags.list()) vm.tags.load(tag)
  vm.firewall.load(template.firewall.own)
}
