import { msg, QubesVMNotFoundError } from '@cloister/kit'
import type { BaseVM, VMClass } from '../../domains/base-vm.ts'
import { isDisposableTemplate } from '../../domains/properties/dvm-template.ts'
import { QubesVM } from '../../domains/qubes-vm.ts'
import { cloneDomain } from '../../operations/clone-domain.ts'
import { createDomain } from '../../operations/create-domain.ts'
import { resetProperty, setProperty } from '../../operations/properties.ts'
import { importStream } from '../../operations/volumes/import-stream.ts'
import {
  clearVolume,
  findVolume,
  resizeVolume,
  setVolumeRevisions,
  setVolumeRw,
} from '../../operations/volumes/volume-operations.ts'
import type { MemorySystem } from '../memory-system.ts'

/** Arguments of an act: the system, and choices that the seed decides. */
export interface Chance {
  readonly system: MemorySystem
  /** The act may start or end the guest of that domain at any time: its answer says nothing about the state afterwards. */
  unsettle(name: string): void
  pick<T>(list: readonly T[]): T
}

/** The result of an act, as it was answered, for the model; names of domains. */
export interface Effect {
  readonly made?: string
  readonly removed?: string
  /** The domain runs now. */
  readonly started?: string
  /** The domain is halted now. */
  readonly ended?: string
}

export type Act = (chance: Chance) => Promise<Effect | undefined>

/** Domains that exist at the beginning of every storm. */
export const templates = ['t1', 't2'] as const
export const disposableTemplate = 'd1'
const names = ['a1', 'a2', 'a3', 'a4', 'a5', 's1', 's2', 's3', 't3', 't4'] as const

function anyDomain({ system: { app }, pick }: Chance): BaseVM {
  return pick(app.domains.sorted())
}

/** A domain that can have a guest. @throws QubesVMNotFoundError when the storm has removed all of them */
function anyGuest(chance: Chance): QubesVM {
  const guests = [...chance.system.app.domains].filter((vm) => vm instanceof QubesVM)
  if (guests.length === 0) throw new QubesVMNotFoundError(msg`The system has no domain but the admin domain`)
  return chance.pick(guests)
}

const nothing = (work: (chance: Chance) => Promise<unknown>): Act => {
  return async (chance) => {
    await work(chance)
    return undefined
  }
}

/** Sets a property of a domain that has it to one of some values. */
function set(name: string, values: readonly string[]): Act {
  return nothing((chance) => setProperty(anyGuest(chance), name, chance.pick(values)))
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

/** All acts of the storm, each with its weight. */
export const acts: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  create: [
    6,
    async (chance) => {
      const { system, pick } = chance
      const name = pick(names)
      const klass = (name[0] === 'a' ? 'AppVM' : name[0] === 's' ? 'StandaloneVM' : 'TemplateVM') as VMClass
      const template = klass === 'AppVM' ? { template: pick(templates) } : {}
      await createDomain(system.app, klass, { name, label: 'red', creator: system.app.adminVM, ...template })
      return { made: name }
    },
  ],
  clone: [
    3,
    async (chance) => {
      const { system, pick } = chance
      const name = pick(names)
      await cloneDomain(anyGuest(chance), { name, pools: {}, creator: system.app.adminVM })
      return { made: name }
    },
  ],
  remove: [
    9,
    async (chance) => {
      const vm = anyDomain(chance)
      await chance.system.app.removeDomain(vm)
      return { removed: vm.name }
    },
  ],
  start: [
    12,
    async (chance) => {
      const vm = anyGuest(chance)
      await vm.lifeCycle.start()
      return { started: vm.name }
    },
  ],
  kill: [
    5,
    async (chance) => {
      const vm = anyGuest(chance)
      await vm.lifeCycle.kill()
      return { ended: vm.name }
    },
  ],
  shutdown: [
    4,
    nothing((chance) => {
      const vm = anyGuest(chance)
      chance.unsettle(vm.name)
      return vm.lifeCycle.shutdown({ force: chance.pick([true, false]), wait: chance.pick([true, false]) })
    }),
  ],
  pause: [2, nothing((chance) => anyGuest(chance).lifeCycle.pause())],
  unpause: [2, nothing((chance) => anyGuest(chance).lifeCycle.unpause())],
  powerOff: [3, nothing(async (chance) => chance.system.driver.powerOffDomain(runningUuid(chance)))],
  crash: [1, nothing(async (chance) => chance.system.driver.crashDomain(runningUuid(chance)))],
  memory: [2, set('memory', ['300', '500'])],
  template: [3, set('template', templates)],
  provides: [2, set('provides_network', ['True', 'False'])],
  netvm: [4, set('netvm', ['', ...names])],
  resetNetvm: [1, nothing((chance) => resetProperty(anyGuest(chance), 'netvm'))],
  defaultNetvm: [
    1,
    nothing(({ system: { app }, pick }) => setProperty(app.global, 'default_netvm', pick(['', ...names]))),
  ],
  feature: [
    2,
    nothing((chance) =>
      chance.system.app.changes.make((unit) =>
        anyDomain(chance).features.set(unit, chance.pick(['x', 'y']), chance.pick(['', '1'])),
      ),
    ),
  ],
  tag: [
    2,
    nothing((chance) =>
      chance.system.app.changes.make((unit) => anyDomain(chance).tags.add(unit, chance.pick(['t', 'u']))),
    ),
  ],
  untag: [
    1,
    nothing((chance) =>
      chance.system.app.changes.make((unit) => anyDomain(chance).tags.discard(unit, chance.pick(['t', 'u']))),
    ),
  ],
  resize: [1, nothing((chance) => resizeVolume(findVolume(anyGuest(chance), 'private'), chance.pick([2n, 3n]) << 30n))],
  revisions: [
    2,
    nothing((chance) => setVolumeRevisions(findVolume(anyGuest(chance), 'private'), chance.pick([-1, 0, 1]))),
  ],
  rootInPlace: [
    1,
    nothing(({ system: { app }, pick }) =>
      setVolumeRevisions(findVolume(app.domains.get(pick(templates)), 'root'), pick([-1, 1])),
    ),
  ],
  rw: [1, nothing((chance) => setVolumeRw(findVolume(anyGuest(chance), 'private'), chance.pick([true, false])))],
  clear: [1, nothing((chance) => clearVolume(findVolume(anyGuest(chance), 'private')))],
  importing: [
    2,
    nothing((chance) => importStream(findVolume(anyGuest(chance), 'private'), bytes('x'.repeat(512)), 512n)),
  ],
  copy: [
    1,
    nothing((chance) => {
      const { copies } = chance.system.app
      const token = copies.offer(findVolume(anyGuest(chance), 'private'), chance.system.app.adminVM)
      return copies.take(token, findVolume(anyGuest(chance), 'private'))
    }),
  ],
  disposable: [
    4,
    nothing(async ({ system: { app } }) => {
      const vm = await app.preloads.request(app.domains.get(disposableTemplate), app.adminVM)
      await vm.lifeCycle.start()
    }),
  ],
  idleDisposable: [
    1,
    nothing(({ system: { app } }) => app.preloads.request(app.domains.get(disposableTemplate), app.adminVM)),
  ],
  addPool: [
    1,
    nothing(({ system: { app }, pick }) =>
      app.pools.add(pick(['p1', 'p2']), 'file', { dir_path: `/${pick(['p', 'q'])}` }),
    ),
  ],
  removePool: [1, nothing(({ system: { app }, pick }) => app.pools.remove(pick(['p1', 'p2'])))],
  forDisposables: [
    1,
    nothing(async (chance) => {
      const vm = anyGuest(chance)
      await setProperty(vm, 'template_for_dispvms', isDisposableTemplate(vm) ? 'False' : 'True')
    }),
  ],
}

function runningUuid(chance: Chance): string {
  const running = [...chance.system.app.domains.running()]
  if (running.length === 0) return ''
  const vm = chance.pick(running)
  chance.unsettle(vm.name)
  return vm.uuid
}
