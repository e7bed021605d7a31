import { errorChain, Semaphore } from '@cloister/kit'
import type { App } from '../app.ts'
import { autostart } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** Domains that start at a time. */
const atATime = 2
/** On the command line of the host's kernel: no domain starts by itself. */
const skipFlag = 'qubes.skip_autostart'
const cmdlineLimit = 65_536

/**
 * Starts the domains that start with the daemon, those that give network first, then disposables are preloaded; failures stop
 * nothing (reference: storage-and-lifecycle, B.12).
 */
export async function startAutomatically(app: App): Promise<void> {
  if (await skipped(app)) return
  await startDomains(app)
  app.preloads.autostart()
}

async function startDomains(app: App): Promise<void> {
  const wanted = [...app.domains].filter((vm): vm is QubesVM => vm instanceof QubesVM && vm.get(autostart) === true)
  wanted.sort((a, b) => depth(a) - depth(b))
  const limit = new Semaphore(atATime)
  await Promise.all(
    wanted.map((vm) =>
      limit.run(async () => {
        try {
          await vm.lifeCycle.start()
        } catch (error) {
          app.log.error('a domain could not be started automatically', { domain: vm.name, error: errorChain(error) })
        }
      }),
    ),
  )
}

async function skipped(app: App): Promise<boolean> {
  const cmdline = new TextDecoder().decode(await app.os.files.read('/proc/cmdline', cmdlineLimit))
  return cmdline.split(/\s+/).includes(skipFlag)
}

/** How many domains stand between this one and the outside. */
function depth(vm: QubesVM): number {
  let steps = 0
  for (let at = vm.netvm; at instanceof QubesVM; at = at.netvm) steps++
  return steps
}
