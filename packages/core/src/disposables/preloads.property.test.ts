import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AppVM } from '../domains/app-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import { isMarkedPreloaded, preloadFeatures } from '../domains/preload-features.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

/** A system with a template of disposables, on which random things are done. */
class Play {
  readonly system: TestSystem
  /** Names of the disposables that requests got. */
  readonly given: string[] = []
  #wanted = 0
  #vcpus = 2

  constructor(system: TestSystem) {
    this.system = system
  }

  static async begin(): Promise<Play> {
    const system = await TestSystem.open()
    const fedora = await system.create('TemplateVM', 'fedora')
    const names = ['qrexec', 'supported-rpc.qubes.WaitForRunningSystem', 'supported-rpc.qubes.WaitForSession']
    await system.features(fedora, Object.fromEntries(names.map((name) => [name, '1'])))
    const work = await system.create('AppVM', 'work', fedora)
    await setProperty(work, 'template_for_dispvms', 'True')
    const play = new Play(system)
    play.#answer()
    return play
  }

  readonly acts = {
    request: async (): Promise<void> => {
      const vm = await this.system.app.preloads.request(this.#work, this.system.app.adminVM)
      this.given.push(vm.name)
      // The next daemon removes a disposable that was never started; one who asks for a disposable starts it.
      if (!vm.run) await vm.lifeCycle.start()
    },
    more: () => this.#want(Math.min(3, this.#wanted + 1)),
    less: () => this.#want(Math.max(0, this.#wanted - 1)),
    property: () => setProperty(this.#work, 'vcpus', String(++this.#vcpus)),
    template: async (): Promise<void> => {
      const fedora = this.system.app.domains.get('fedora') as QubesVM
      await fedora.lifeCycle.start()
      // Another step may have ended it.
      await fedora.lifeCycle.kill().catch(() => {})
    },
    time: async (): Promise<void> => this.system.clock.advance(3000),
    restart: async (): Promise<void> => {
      await this.system.reopen()
      this.#answer()
      this.system.app.preloads.autostart()
    },
  } as const

  /** All that has been set off comes to its end. */
  async settle(): Promise<void> {
    // Also a refresh that was put off, and what a request found missing.
    this.system.clock.advance(31_000)
    await this.system.advanceUntil(() => this.#isSettled, 500)
  }

  get disposables(): DispVM[] {
    return [...this.system.app.domains].filter((vm) => vm instanceof DispVM)
  }

  get #isSettled(): boolean {
    const marked = this.disposables.filter(isMarkedPreloaded)
    const fresh = marked.every((vm) => vm.run?.state === 'paused' && vm.isPreloaded && this.#isFresh(vm))
    return marked.length === this.#wanted && fresh
  }

  #isFresh(vm: DispVM): boolean {
    return vm.features.find(preloadFeatures.inProgress) === undefined && vm.get(vm.property('vcpus')) === this.#vcpus
  }

  get #work(): AppVM {
    return this.system.app.domains.get('work') as AppVM
  }

  async #want(count: number): Promise<void> {
    this.#wanted = count
    await this.system.features(this.#work, { [preloadFeatures.max]: String(count) })
  }

  #answer(): void {
    this.system.app.events.onLife(QubesVM, 'domain-unpaused', (vm) => vm.app.agents.note(vm, true))
  }
}

type Act = keyof Play['acts']
const weights: Readonly<Record<Act, number>> = {
  request: 4,
  more: 3,
  less: 1,
  property: 1,
  template: 1,
  time: 2,
  restart: 1,
}
const anyAct = fc.oneof(
  ...Object.entries(weights).map(([act, weight]) => ({ arbitrary: fc.constant(act as Act), weight })),
)
/** Acts that happen side by side, one group after the other. */
const anyStory = fc.array(fc.array(anyAct, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 })

it('each disposable is given to one request, and at the end as many as wanted are preloaded', async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, async (story) => {
      const play = await Play.begin()
      try {
        for (const acts of story) {
          // Whatever runs when the daemon ends fails with it.
          if (acts.includes('restart')) await play.acts.restart()
          else await Promise.all(acts.map((act) => play.acts[act]()))
        }
        await play.settle()
        expect(new Set(play.given).size).toBe(play.given.length)
        const left = play.disposables.filter((vm) => !isMarkedPreloaded(vm)).map(({ name }) => name)
        expect(left.sort()).toEqual([...play.given].sort())
        expect(play.disposables.some((vm) => play.given.includes(vm.name) && vm.features.enabled('internal'))).toBe(
          false,
        )
      } finally {
        await play.system[Symbol.asyncDispose]()
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)
