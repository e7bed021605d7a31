import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Aim, atMost, timesLimit } from '../aims.ts'
import { BareGuest } from '../guest/bare-guest.ts'
import type { BootTimes } from '../guest/boot-times.ts'
import { guestFolder, ManagedGuest } from '../guest/managed-guest.ts'
import { keep } from '../keep.ts'
import type { Bench, PlainSuite } from '../suite.ts'

interface Figure {
  readonly name: string
  readonly of: keyof BootTimes
  readonly aim: Aim
  /** The time of QEMU alone on the machine for which the aims are set, ms. */
  readonly reference: number
}

const figures: readonly Figure[] = [
  { name: 'start returns', of: 'returnsMs', aim: atMost(120), reference: 40 },
  { name: 'start to user space', of: 'upMs', aim: timesLimit(1.05), reference: 1975 },
  { name: 'kill to gone', of: 'goneMs', aim: atMost(50), reference: 6 },
]

/** Boots a guest, compared to QEMU alone with the same arguments and the same images. */
export const guest: PlainSuite = { name: 'guest', measure }

async function measure({ report, resources, quick }: Bench): Promise<void> {
  if (!existsSync(join(guestFolder, 'root.img'))) {
    report.note('guest: left out, as there is no guest in .cache/guest (node scripts/prepare.mjs bench makes it)')
    return
  }
  const managed = await keep(
    resources,
    () => ManagedGuest.make(),
    (made) => made.remove(),
  )
  const bare = resources.use(await firstBoots(managed))
  const [ours, alone]: [BootTimes[], BootTimes[]] = [[], []]
  for (let round = 0; round < (quick ? 1 : 7); round++) {
    ours.push(await managed.boot())
    alone.push(await bare.boot())
  }
  for (const { name, of, aim, reference } of figures) {
    const limit = { name: 'QEMU alone', value: best(alone, of), reference }
    const value = best(ours, of)
    report.add({ suite: 'guest', name, value, unit: 'ms', limit, aim })
  }
}

/** A boot takes seconds of processor time, to which other programs can only add: the shortest boot counts. */
function best(boots: readonly BootTimes[], of: keyof BootTimes): number {
  return Math.min(...boots.map((times) => times[of]))
}

/** The first boot formats the private volume; the second one shows the arguments for QEMU alone. */
async function firstBoots(managed: ManagedGuest): Promise<BareGuest> {
  await managed.boot()
  const like = Promise.withResolvers<BareGuest>()
  await managed.boot(async (pid) => like.resolve(await BareGuest.like(pid, join(managed.folder, 'bare'))))
  return like.promise
}
