import { errorChain } from '@cloister/kit'
import { DispVM } from '../domains/disp-vm.ts'
import { isMarkedPreloaded, markUsed, preloadFeatures, preloadNames, unlist } from '../domains/preload-features.ts'
import type { System } from '../domains/system.ts'
import type { Preloads } from './preloads.ts'

/**
 * Sorts the preloaded disposables of an earlier daemon: paused ones stay preloaded, running ones count as used, and those that
 * were being started, have ended, or had just been claimed are removed (reference: storage-and-lifecycle, B.6.5).
 */
export async function recoverPreloads(app: System, preloads: Preloads): Promise<void> {
  const marked = [...app.domains].filter((vm): vm is DispVM => vm instanceof DispVM && isMarkedPreloaded(vm))
  const kept = marked.filter(isResting)
  const used = marked.filter(isUsed)
  const names = new Set(kept.map(({ name }) => name))
  await app.changes.make((unit) => {
    for (const template of app.domains) {
      const gone = preloadNames(template).filter((name) => !names.has(name))
      if (gone.length > 0) unlist(unit, template, gone)
    }
    for (const vm of used) markUsed(unit, vm)
  })
  for (const vm of marked) {
    if (kept.includes(vm) || used.includes(vm)) continue
    try {
      await preloads.starts.remove(vm)
    } catch (error) {
      app.log.error('a preloaded disposable is left over', { domain: vm.name, error: errorChain(error) })
    }
  }
}

/** True for a preloaded disposable that is ready and paused. */
function isResting(vm: DispVM): boolean {
  return isReady(vm) && (vm.run?.state === 'paused' || vm.run?.state === 'pmsuspended')
}

/** True for a preloaded disposable that was unpaused while no daemon ran. */
function isUsed(vm: DispVM): boolean {
  return isReady(vm) && vm.run?.state === 'running'
}

function isReady(vm: DispVM): boolean {
  return vm.isPreloaded && vm.features.find(preloadFeatures.inProgress) === undefined
}
