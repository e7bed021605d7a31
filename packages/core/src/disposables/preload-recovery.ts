import { errorChain } from '@cloister/kit'
import { DispVM } from '../domains/disp-vm.ts'
import { isMarkedPreloaded, markUsed, preloadFeatures, preloadNames, unlist } from '../domains/preload-features.ts'
import type { System } from '../domains/system.ts'
import type { Preloads } from './preloads.ts'

/**
 * Puts preloaded disposables in order that an earlier daemon has left: those that wait go on to wait, those that were on their
 * way, have ended, or were just taken off their list are removed (reference: storage-and-lifecycle, B.6.5).
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
      await preloads.starts.discard(vm)
    } catch (error) {
      app.log.error('a preloaded disposable is left over', { domain: vm.name, error: errorChain(error) })
    }
  }
}

/** It waits as it should. */
function isResting(vm: DispVM): boolean {
  return isReady(vm) && (vm.run?.state === 'paused' || vm.run?.state === 'pmsuspended')
}

/** Somebody has let it go on while no daemon looked. */
function isUsed(vm: DispVM): boolean {
  return isReady(vm) && vm.run?.state === 'running'
}

function isReady(vm: DispVM): boolean {
  return vm.isPreloaded && vm.features.find(preloadFeatures.inProgress) === undefined
}
