import type { TextForm } from '../codec.ts'
import { oneOf } from '../text-forms.ts'
import { KeyValues } from './key-values.ts'
import { size } from './numbers.ts'
import { type PowerState, powerStates } from './power-state.ts'

/** Reply of `vm.CurrentState`; zeroes when the domain is halted. */
export interface DomainState {
  /** KiB that the domain has now. */
  readonly memory: bigint
  /** KiB that it may get at most. */
  readonly memoryStaticMax: bigint
  /** Nanoseconds. */
  readonly cpuTime: bigint
  readonly powerState: PowerState
}

const state = oneOf(powerStates)

/** `mem=… mem_static_max=… cputime=… power_state=…`. */
export const domainState: TextForm<DomainState> = {
  syntax: 'mem=<KiB> mem_static_max=<KiB> cputime=<ns> power_state=<state>',
  parse(text) {
    const values = new KeyValues(text.split(' '))
    return {
      memory: values.get('mem', size),
      memoryStaticMax: values.get('mem_static_max', size),
      cpuTime: values.get('cputime', size),
      powerState: values.get('power_state', state),
    }
  },
  format: ({ memory, memoryStaticMax, cpuTime, powerState }) =>
    `mem=${memory} mem_static_max=${memoryStaticMax} cputime=${cpuTime} power_state=${powerState}`,
}

/** Options of `vm.Shutdown`. */
export interface ShutdownFlags {
  /** Shut the domain down although other domains use it. */
  readonly force: boolean
  /** Reply only when the domain is halted. */
  readonly wait: boolean
}

const flagWords = ['force', 'wait'] as const

/** Argument of `admin.vm.Shutdown`: the words `force` and `wait` joined by `+`; a word that comes twice counts once. */
export const shutdownFlags: TextForm<ShutdownFlags> = {
  syntax: '[force][+][wait]',
  parse(text) {
    const words = text === '' ? [] : text.split('+').map((word) => oneOf(flagWords).parse(word))
    return { force: words.includes('force'), wait: words.includes('wait') }
  },
  format: (flags) => flagWords.filter((word) => flags[word]).join('+'),
}
