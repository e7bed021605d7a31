import { utf8 } from '@cloister/kit'
import { type ModelledOs, seededSurvival } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace } from '../testing/place.ts'
import type { Volume } from '../volume.ts'
import { supported } from '../volume.ts'

// Every operation dies after each of its steps (reference: storage-and-lifecycle, A.4.4; conformance 36 to 38).

/** The volumes of a scene; made anew after each crash. */
interface Scene {
  readonly volume: Volume
  readonly child: Volume
  readonly other: Volume
}

interface Case {
  readonly title: string
  /** Revisions to keep; 1 when not given. */
  readonly keep?: number
  /** Brings the volume, which holds `committed` after `older`, to where the operation begins. */
  readonly prepare?: (
    scene: Scene,
    write: (path: string, text: string) => Promise<void>,
    os: ModelledOs,
  ) => Promise<unknown>
  readonly run: (scene: Scene) => Promise<unknown>
  /** What the volume may hold after a death inside the operation; the last one is what it holds when that is over. */
  readonly holds: readonly string[]
  /** Whether it doubles the size. */
  readonly grows?: true
}

const cases: readonly Case[] = [
  { title: 'start', run: ({ volume }) => volume.start(), holds: ['committed'] },
  { title: 'start in place', keep: -1, run: ({ volume }) => volume.start(), holds: ['committed'] },
  {
    title: 'stop',
    prepare: runs('flushed'),
    run: ({ volume }) => volume.stop(),
    holds: ['flushed'],
  },
  {
    title: 'stop of a guest that did not flush',
    prepare: runsWithoutFlush('written'),
    run: ({ volume }) => volume.stop(),
    holds: ['committed', 'written'],
  },
  {
    title: 'stop in place of a guest that did not flush',
    keep: -1,
    prepare: runsWithoutFlush('written'),
    run: ({ volume }) => volume.stop(),
    holds: ['committed', 'written'],
  },
  {
    title: 'stop in place',
    keep: -1,
    prepare: runs('flushed'),
    run: ({ volume }) => volume.stop(),
    holds: ['flushed'],
  },
  {
    title: 'stop without revisions',
    keep: 0,
    prepare: runs('flushed'),
    run: ({ volume }) => volume.stop(),
    holds: ['flushed'],
  },
  { title: 'begin of an import', run: ({ volume }) => supported(volume, 'importData')(), holds: ['committed'] },
  {
    title: 'end of an import',
    prepare: async ({ volume }, write) => {
      await write(await supported(volume, 'importData')(), 'imported')
    },
    run: ({ volume }) => supported(volume, 'importDataEnd')(true),
    holds: ['committed', 'imported'],
  },
  {
    title: 'failed import',
    prepare: ({ volume }) => supported(volume, 'importData')(),
    run: ({ volume }) => supported(volume, 'importDataEnd')(false),
    holds: ['committed'],
  },
  {
    title: 'import over what a crash left',
    prepare: async (scene, write, os) => {
      await runs('flushed')(scene, write, os)
      await write(await supported(scene.volume, 'importData')(), 'imported')
    },
    run: ({ volume }) => supported(volume, 'importDataEnd')(true),
    holds: ['flushed', 'imported'],
  },
  {
    title: 'import of a volume',
    run: ({ volume, other }) => volume.importVolume(other),
    holds: ['committed', 'other'],
  },
  {
    title: 'import of a volume in place',
    keep: -1,
    run: ({ volume, other }) => volume.importVolume(other),
    holds: ['committed', 'other'],
  },
  { title: 'resize', run: ({ volume }) => volume.resize(2n * MiB), holds: ['committed'], grows: true },
  {
    title: 'resize of a running volume',
    prepare: runs('flushed'),
    run: ({ volume }) => volume.resize(2n * MiB),
    holds: ['flushed'],
    grows: true,
  },
  { title: 'revert', run: ({ volume }) => supported(volume, 'revert')(), holds: ['committed', 'older'] },
  { title: 'snapshot', run: ({ volume }) => supported(volume, 'snapshot')(), holds: ['committed'] },
  {
    title: 'revert to a snapshot',
    prepare: ({ volume }) => supported(volume, 'snapshot')(),
    run: ({ volume }) => supported(volume, 'revert')(),
    holds: ['committed'],
  },
  { title: 'start of a child', run: ({ child }) => child.start(), holds: ['committed'] },
  {
    title: 'stop of a child',
    prepare: async ({ child }, write) => {
      await child.start()
      await write(child.path, 'forgotten')
    },
    run: ({ child }) => child.stop(),
    holds: ['committed'],
  },
]

const machines = {
  'sharing blocks': {},
  copying: { reflink: false },
  'with coarse times': { tickNs: 0n },
}

const ends: Readonly<Record<string, (os: ModelledOs) => void>> = {
  killed: (os) => os.restart(),
  'power lost': (os) => os.losePower(),
  ...Object.fromEntries(
    [1, 2, 3, 4].map((seed) => [
      `power lost, some survives (${seed})`,
      (os: ModelledOs) => os.losePower(seededSurvival(seed)),
    ]),
  ),
}

for (const [machine, options] of Object.entries(machines)) {
  describe(`images, ${machine}`, () => {
    for (const each of cases) {
      it(`${each.title}: dies after each step`, async () => {
        for (const [end, crash] of Object.entries(ends)) {
          for (const stopFirst of [false, true]) {
            expect(await dieAtEachStep(each, options, crash, { end, stopFirst })).toBeGreaterThan(0)
          }
        }
      })

      it(`${each.title}: is durable when it returns`, async () => {
        const { at, scene, os } = await begin(each, options)
        await each.run(scene)
        os.losePower()
        const after = await recover(at, each)
        expect(after.content).toBe(each.holds.at(-1))
        expect(after.size).toBe(each.grows ? 2n * MiB : MiB)
      })
    }

    it('create: dies after each step, and can then be undone or done again', async () => {
      for (let steps = 0; ; steps++) {
        for (const crash of Object.values(ends)) {
          const place = modelledPlace(options)
          const at = await ImageFixture.make(place)
          place.os.files.faults.dieAfter(steps)
          await at
            .origin()
            .create()
            .catch(() => {})
          if (!place.os.files.faults.dead) {
            place.os.losePower()
            expect(await at.names()).toEqual(['private-precache.img', 'private.img'])
            return
          }
          crash(place.os)
          const after = await at.afterCrash()
          await after.origin().remove()
          expect(await after.names('appvms')).toEqual([])
          await after.origin().create()
          await after.origin().start()
        }
      }
    })

    it('remove: dies after each step, and leaves nothing once it is done again', async () => {
      for (let steps = 0; ; steps++) {
        for (const crash of Object.values(ends)) {
          const place = modelledPlace(options)
          const at = await ImageFixture.make(place)
          const volume = at.origin()
          await volume.create()
          await at.cycle(volume, 'x')
          await volume.start()
          place.os.files.faults.dieAfter(steps)
          await volume.remove().catch(() => {})
          if (!place.os.files.faults.dead) {
            place.os.losePower()
            expect(await at.names('appvms')).toEqual([])
            return
          }
          crash(place.os)
          const after = await at.afterCrash()
          await after.origin().remove()
          expect(await after.names('appvms')).toEqual([])
        }
      }
    })
  })
}

/** Lets one operation die after 0, 1, 2, … steps until it gets through; returns how many deaths that took. */
async function dieAtEachStep(
  each: Case,
  options: object,
  crash: (os: ModelledOs) => void,
  how: { readonly end: string; readonly stopFirst: boolean },
): Promise<number> {
  for (let steps = 0; ; steps++) {
    const { at, scene, os } = await begin(each, options)
    os.files.faults.dieAfter(steps)
    await each.run(scene).catch(() => {})
    if (!os.files.faults.dead) return steps
    crash(os)
    const where = `${JSON.stringify(how)} after step ${steps}: ${JSON.stringify(os.files.faults.trace.slice(-3))}`
    const after = await recover(at, each, how.stopFirst)
    expect(each.holds, where).toContain(after.content)
    expect([MiB, 2n * MiB], where).toContain(after.size)
    expect(after.leftovers, where).toEqual([])
    expect(after.revisions, where).toBeLessThanOrEqual(Math.max(0, each.keep ?? 1))
    expect(after.childContent, where).toBe(after.content)
  }
}

async function begin(each: Case, options: object) {
  const place = modelledPlace(options)
  const { os } = place
  const at = await ImageFixture.make(place)
  const scene = sceneIn(at)
  for (const volume of [scene.volume, scene.other]) await volume.create()
  for (const text of ['older', 'committed']) await at.cycle(scene.volume, text)
  await at.cycle(scene.other, 'other')
  scene.volume.revisionsToKeep = each.keep ?? 1
  await each.prepare?.(scene, (path, text) => guestWrites(os, path, text), os)
  return { at, scene, os }
}

function sceneIn(at: ImageFixture): Scene {
  const volume = at.origin('appvms/work')
  return { volume, child: at.snapshot(volume), other: at.origin('appvms/other') }
}

/**
 * The daemon comes back, knowing nothing, and perhaps stops all domains as it does when the machine was restarted; the domain
 * runs once, and then a disposable made from it.
 */
async function recover(before: ImageFixture, { keep = 1 }: Case, stopFirst = false) {
  const at = await before.afterCrash()
  const { volume, child } = sceneIn(at)
  volume.revisionsToKeep = keep
  if (keep > 0) expect(await everCommitted(at, volume)).toContain('committed')
  await volume.verify()
  if (stopFirst) {
    await volume.stop()
    expect(await leftovers(at)).toEqual([])
  }
  const clean = (await volume.isDirty()) ? undefined : await at.content(volume)
  await volume.start()
  const content = await at.content(volume, '-dirty.img')
  expect(content).toBe(clean ?? content)
  expect(await leftovers(at)).toEqual(['private-dirty.img'])
  await volume.stop()
  expect(await at.content(volume)).toBe(content)
  await child.start()
  const childContent = await at.content(child, '-dirty.img')
  await child.stop()
  return {
    content,
    childContent,
    size: await volume.size(),
    leftovers: [...(await leftovers(at)), ...(await at.names('appvms/disp1'))],
    revisions: (await volume.revisions()).length,
  }
}

/** What the committed image and its revisions hold. */
async function everCommitted(at: ImageFixture, volume: Volume): Promise<(string | undefined)[]> {
  const revisions = (await volume.revisions()).map(({ id, time }) => at.content(volume, `.img.${id}@${time}Z`))
  return Promise.all([at.content(volume), ...revisions])
}

async function leftovers(at: ImageFixture): Promise<string[]> {
  return (await at.names('appvms/work')).filter((name) => /~|import|dirty/.test(name))
}

function runs(text: string): NonNullable<Case['prepare']> {
  return async ({ volume }, write) => {
    await volume.start()
    await write(volume.path, text)
  }
}

function runsWithoutFlush(text: string): NonNullable<Case['prepare']> {
  return async ({ volume }, _write, os) => {
    await volume.start()
    const disk = await os.files.open(volume.path)
    await disk.write(utf8(`${text}\0`), 0n)
    await disk.close()
  }
}
