import {
  type CallRow,
  vmConsole,
  vmCurrentState,
  vmKill,
  vmPause,
  vmResume,
  vmShutdown,
  vmStart,
  vmSuspend,
  vmUnpause,
} from '@cloister/admin-protocol'
import { type BaseVM, currentState, type PowerControl, QubesVM } from '@cloister/core'
import { msg, QubesVMError, QubesVMNotHaltedError, QubesVMNotRunningError } from '@cloister/kit'
import { type HandledCall, handle } from '../handler.ts'

/** The power control of a domain. @throws QubesVMNotHaltedError, QubesVMError for a class that has none */
function lifeCycleOf(vm: BaseVM, verb: string): PowerControl {
  if (vm.lifeCycle) return vm.lifeCycle
  const Refusal = verb === 'start' ? QubesVMNotHaltedError : QubesVMError
  throw new Refusal(msg`Cannot ${verb} ${vm.name}: cloisterd does not run domains of class ${vm.klass}`)
}

/** A call that changes the power state. Subscribers get all events of the change before the caller gets its reply. */
function verb(
  row: CallRow<undefined, undefined, undefined>,
  name: string,
  act: (life: PowerControl) => Promise<void>,
): HandledCall {
  return handle(row, async ({ app, destination }) => {
    await act(lifeCycleOf(destination, name))
    await app.changes.settled()
    return undefined
  })
}

export const powerHandlers: readonly HandledCall[] = [
  verb(vmStart, 'start', (life) => life.start()),
  verb(vmPause, 'pause', (life) => life.pause()),
  verb(vmUnpause, 'unpause', (life) => life.unpause()),
  verb(vmKill, 'kill', (life) => life.kill()),
  verb(vmSuspend, 'suspend', (life) => life.suspend()),
  verb(vmResume, 'resume', (life) => life.resume()),
  handle(vmShutdown, async ({ app, destination, argument }) => {
    await lifeCycleOf(destination, 'shut down').shutdown(argument)
    await app.changes.settled()
    return undefined
  }),
  handle(vmCurrentState, ({ destination }) => currentState(destination)),
  handle(vmConsole, ({ destination, consoles }) => {
    if (!(destination instanceof QubesVM))
      throw new QubesVMError(
        msg`${destination.name} has no console: cloisterd does not run domains of class ${destination.klass}`,
      )
    if (!destination.run || destination.powerState === 'Halted')
      throw new QubesVMNotRunningError(msg`${destination.name} has no console while it is not running`)
    return consoles.path(destination)
  }),
]
