import { errorChain } from '@cloister/kit'
import { autostart } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'
import type { StartSlots } from './start-slots.ts'

/** A word on the command line of the host's kernel that disables automatic starts. */
const skipFlag = 'qubes.skip_autostart'
const cmdlineLimit = 65_536

/**
 * Starts the domains whose property `autostart` is set, netvms before their clients. A start that fails is logged and does not
 * affect the others (reference: storage-and-lifecycle, B.12).
 * @returns false when the command line of the host's kernel disables automatic starts
 */
export async function startAutomatically(app: System, slots: StartSlots): Promise<boolean> {
  if (await skipped(app)) return false
  const wanted = [...app.domains].filter((vm): vm is QubesVM => vm instanceof QubesVM && vm.get(autostart) === true)
  wanted.sort((a, b) => depth(a) - depth(b))
  await Promise.all(wanted.map((vm) => slots.run(() => start(vm))))
  return true
}

async function start(vm: QubesVM): Promise<void> {
  try {
    await vm.lifeCycle.start()
  } catch (error) {
    vm.app.log.error('a domain could not be started automatically', { domain: vm.name, error: errorChain(error) })
  }
}

async function skipped(app: System): Promise<boolean> {
  const cmdline = new TextDecoder().decode(await app.os.files.read('/proc/cmdline', cmdlineLimit))
  return cmdline.split(/\s+/).includes(skipFlag)
}

/** The length of the domain's chain of netvms. */
function depth(vm: QubesVM): number {
  let steps = 0
  for (let at = vm.netvm; at instanceof QubesVM; at = at.netvm) steps++
  return steps
}
