import { msg, QubesException } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from './base-vm.ts'
import { isDisposableTemplate } from './properties/dvm-template.ts'

// What is stored about preloaded disposables, which survives the daemon (reference: storage-and-lifecycle, B.6.5).

/** Features of a disposable template, of the admin domain, and of the disposable itself. */
export const preloadFeatures = {
  /** How many disposables are wanted. On the admin domain: for the system's `default_dispvm`, in place of what that domain says. */
  max: 'preload-dispvm-max',
  /** Names of the preloaded disposables, oldest first. */
  list: 'preload-dispvm',
  /** Seconds until a disposable that was used is replaced; negative: it is replaced when none is left. */
  delay: 'preload-dispvm-delay',
  /** Memory that preloading leaves free, MiB; on the admin domain. */
  threshold: 'preload-dispvm-threshold',
  /** The disposable is being made ready; the value is a fingerprint of the template's properties at that time. */
  inProgress: 'preload-dispvm-in-progress',
  /** The disposable is ready; the value is that of `inProgress`. */
  completed: 'preload-dispvm-completed',
  /** The disposable is not shown to users. */
  hidden: 'internal',
} as const

/** Features that a template must have for its disposables to be preloaded. */
const required = ['qrexec', 'supported-rpc.qubes.WaitForRunningSystem', 'supported-rpc.qubes.WaitForSession'] as const

/** The feature that keeps disposables of a template from being preloaded, if there is one. */
export function missingForPreload(template: BaseVM): string | undefined {
  return required.find((feature) => !template.featureWithTemplate(feature))
}

/** Names of the preloaded disposables of a template, oldest first. */
export function preloadNames(template: BaseVM): string[] {
  return (template.features.find(preloadFeatures.list) ?? '').split(' ').filter((name) => name !== '')
}

/** How many preloaded disposables of a template are wanted now. */
export function maxPreloads(template: BaseVM): number {
  if (!template.registered || missingForPreload(template) || !isDisposableTemplate(template)) return 0
  const text = preloadOwner(template).features.find(preloadFeatures.max) ?? ''
  return /^\d{1,5}$/.test(text) ? Number(text) : 0
}

/** Seconds before a preloaded disposable of the template that was used is replaced. */
export function preloadDelay(template: BaseVM): number {
  const seconds = Number(preloadOwner(template).features.find(preloadFeatures.delay) || Number.NaN)
  return Number.isFinite(seconds) ? seconds : defaultDelay
}

const defaultDelay = 3

/** The domain whose features say how disposables of a template are preloaded. */
function preloadOwner(template: BaseVM): BaseVM {
  const { app } = template
  const global = app.defaults.dispvm === template && app.adminVM.features.find(preloadFeatures.max) !== undefined
  return global ? app.adminVM : template
}

/** True from the creation of a preloaded disposable until it is used, also when it is on no list any more. */
export function isMarkedPreloaded({ features }: BaseVM): boolean {
  return [preloadFeatures.inProgress, preloadFeatures.completed].some((mark) => features.find(mark) !== undefined)
}

/** Puts a disposable on its template's list. @throws QubesException when there are as many as are wanted */
export function enlist(unit: ChangeUnit, template: BaseVM, { name }: BaseVM): void {
  const names = preloadNames(template)
  if (names.length >= maxPreloads(template))
    throw new QubesException(
      msg`No disposable of ${template.name} can be preloaded: as many are preloaded as its features ask for`,
    )
  template.features.set(unit, preloadFeatures.list, [...names, name].join(' '))
}

/** Takes disposables off their template's list. */
export function unlist(unit: ChangeUnit, template: BaseVM, gone: readonly string[]): void {
  const before = preloadNames(template)
  const names = before.filter((name) => !gone.includes(name))
  if (names.length === before.length) return
  if (names.length > 0) template.features.set(unit, preloadFeatures.list, names.join(' '))
  else template.features.remove(unit, preloadFeatures.list)
}

/** Removes the marks of preloading from a disposable that is used from now on. */
export function markUsed(unit: ChangeUnit, vm: BaseVM): void {
  const { inProgress, completed, hidden } = preloadFeatures
  const marks =
    vm.template?.features.find(hidden) === undefined ? [inProgress, completed, hidden] : [inProgress, completed]
  for (const mark of marks) if (vm.features.find(mark) !== undefined) vm.features.remove(unit, mark)
}
