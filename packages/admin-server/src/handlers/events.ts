import { connectionEstablished, events, matchesEvent, vmStats } from '@cloister/admin-protocol'
import { AdminVM, type BaseVM } from '@cloister/core'
import { shownEvent } from '../encoded-event.ts'
import { type HandledCall, handleStream } from '../handler.ts'

/** Whether a stream that was asked of `destination` tells of `subject`: of every subject, or of one domain. */
function concerns(destination: BaseVM, subject: string | undefined, afterRemoval = false): boolean {
  return subject === destination.name || (destination instanceof AdminVM && !afterRemoval)
}

function gone(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export const eventHandlers: readonly HandledCall[] = [
  handleStream(events, async ({ app, access, source, destination, argument, send, signal }) => {
    send(connectionEstablished)
    const stop = app.journal.onEvent((event) => {
      if (!concerns(destination, event.domain, event.afterRemoval) || !matchesEvent(argument, event.name)) return
      if (access.seesEvent(source, event)) send(shownEvent(event))
    })
    await gone(signal)
    stop()
  }),
  handleStream(vmStats, async ({ statistics, access, source, destination, send, signal }) => {
    send(connectionEstablished)
    await statistics.watch(signal, (vm, pairs) => {
      if (concerns(destination, vm.name) && access.seesDomain(source, vm))
        send({ subject: vm.name, name: 'vm-stats', pairs })
    })
  }),
]
