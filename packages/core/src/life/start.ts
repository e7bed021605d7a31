import { errorChain, msg, QubesVMError } from '@cloister/kit'
import { refuseDamaged } from '../domains/damage.ts'
import type { Reservation } from '../domains/ports/memory-manager.ts'
import { maxmem, memory, qrexecTimeout, vcpus, virtMode } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { guestDatabase } from './guest-database.ts'
import { refuseProhibitedStart, refuseStartDuringRestore } from './power-checks.ts'
import { Run } from './run.ts'

const mib = 2 ** 20
/** What a virtual machine costs beyond its memory (reference: storage-and-lifecycle, B.8), bytes. */
const cost = { machine: 4 * mib, perVcpu: 1.5 * mib, perMaxMib: 8192, deviceModel: 144 * mib }

/** Bytes that must be free for the domain to start. */
export function memoryRequired(vm: QubesVM): number {
  const start = vm.get(memory) ?? 0
  const ceiling = vm.get(maxmem) || start
  const deviceModel = vm.get(virtMode) === 'hvm' ? cost.deviceModel : 0
  return start * mib + deviceModel + cost.machine + (vm.get(vcpus) ?? 1) * cost.perVcpu + ceiling * cost.perMaxMib
}

/** How far a start has come, which decides what a failure must undo. */
interface Progress {
  reservation?: Reservation
  /** Volumes were started, in whole or in part. */
  storage: boolean
  /** A guest exists. */
  run?: Run
}

/**
 * Starts a halted domain, holding its startup lock: the steps and their order are those of reference storage-and-lifecycle,
 * B.3.1, and so is what a failure undoes.
 */
export async function startDomain(vm: QubesVM): Promise<void> {
  const progress: Progress = { storage: false }
  try {
    refuseProhibitedStart(vm)
    refuseDamaged(vm, 'start')
    await prepare(vm, progress)
    await spawn(vm, progress)
    await release(vm, progress)
  } catch (error) {
    await undo(vm, progress, error)
    throw error
  }
}

/** Steps 5 to 10: everything that can fail before there is a guest. */
async function prepare(vm: QubesVM, progress: Progress): Promise<void> {
  const { app } = vm
  const required = memoryRequired(vm)
  refuseStartDuringRestore(vm)
  vm.checkStartable()
  await app.events.fireLife(vm, 'domain-pre-start', { start_guid: true, mem_required: required })
  await app.kernels.refresh(vm.kernel)
  await vm.storage.verify()
  await app.events.fireLife(vm, 'domain-verify-files', {})
  // One that is being started already is waited for.
  await vm.netvm?.lifeCycle?.start()
  progress.reservation = await app.memory.reserve(vm, required)
  progress.storage = true
  await app.runs.begin(vm)
  await vm.storage.start()
}

/** Steps 11 to 16: the guest is made, and stands still. */
async function spawn(vm: QubesVM, progress: Progress): Promise<void> {
  const { app } = vm
  await app.events.fireLife(vm, 'domain-pre-spawn', { start_guid: true })
  const domain = await app.hypervisor.define(vm)
  const usable = !vm.featureWithTemplate('qrexec')
  const run = new Run(domain, { startedAt: app.os.clock.now(), state: 'paused', starting: true, usable })
  // Noted before the guest exists: no notice of the hypervisor finds nobody at home.
  vm.run = run
  try {
    await domain.create({ paused: true })
  } catch (error) {
    vm.run = undefined
    throw error
  }
  progress.run = run
  app.events.announceReset(vm, 'xid', 'stubdom_xid', 'start_time')
  progress.reservation?.release()
  await app.events.fireLife(vm, 'domain-spawn', { start_guid: true })
}

/** Steps 17 to 21: the guest is told who it is, and let go. */
async function release(vm: QubesVM, { run }: Progress): Promise<void> {
  if (!run) return
  const { app } = vm
  run.database = guestDatabase(vm)
  await app.events.fireLife(vm, 'domain-qdb-create', {})
  await vm.lifeCycle.resumeGuest(run)
  run.starting = false
  await app.runs.started(vm)
  if (!run.usable) {
    await app.agents.connected(vm, (vm.get(qrexecTimeout) ?? 0) * 1000)
    run.usable = true
  }
  if (run.stopReceived) throw new QubesVMError(msg`${vm.name} stopped while it was being started`)
  await app.events.fireLife(vm, 'domain-start', { start_guid: true })
}

async function undo(vm: QubesVM, { reservation, storage, run }: Progress, error: unknown): Promise<void> {
  const { app } = vm
  reservation?.release()
  await vm.lifeCycle.tell('domain-start-failed', { reason: errorChain(error) })
  if (run) {
    run.starting = false
    await vm.lifeCycle.abandon(run)
  } else if (storage) {
    try {
      await vm.storage.stop()
      await app.runs.ended(vm)
    } catch (failure) {
      app.log.error('volumes could not be put back after a failed start', { domain: vm.name, error: failure })
    }
  }
}
