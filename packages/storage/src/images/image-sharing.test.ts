import { StoragePoolException } from '@cloister/kit'
import { seededNumbers } from '@cloister/os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { interleavedOs } from '../testing/interleaved-os.ts'
import { supported, type Volume } from '../volume.ts'

/** What several domains do at once with a template, its children, and a volume that is copied to and from it. */
const acts = [
  (s: Scene) => s.template.start(),
  (s: Scene) => s.template.stop(),
  (s: Scene) => s.template.verify(),
  (s: Scene) => s.template.resize(2n * MiB),
  (s: Scene) => s.template.importVolume(s.other),
  (s: Scene) => s.other.importVolume(s.template),
  (s: Scene) => s.other.start(),
  (s: Scene) => s.other.stop(),
  (s: Scene) => supported(s.template, 'importData')().then(() => supported(s.template, 'importDataEnd')(true)),
  (s: Scene) => s.template.export().then((path) => s.template.exportEnd(path)),
  ...[0, 1, 2].flatMap((child) => [
    (s: Scene) => s.children[child]?.start(),
    (s: Scene) => s.children[child]?.stop(),
    (s: Scene) => s.children[child]?.verify(),
    (s: Scene) => s.children[child]?.resize(3n * MiB),
  ]),
]

interface Scene {
  readonly template: Volume
  readonly other: Volume
  readonly children: readonly Volume[]
}

const domains = ['debian', 'other', 'child0', 'child1', 'child2']

/** Plays a program with calls of the file system that take different times; returns the names that shared a writable file. */
async function play(program: readonly number[], seed: number, keeps: number): Promise<string[]> {
  const random = seededNumbers(seed)
  const shared: string[] = []
  let watching = false
  const os = interleavedOs(
    () => Math.floor(random() * 6),
    (files) => {
      if (!watching) return
      for (const domain of domains) {
        const path = `${at.dirPath}/appvms/${domain}/root-dirty.img`
        if ((files.linksOf(path) ?? 1) > 1) shared.push(path)
      }
    },
  )
  const at = await ImageFixture.make({ os, folder: '/pools', reflink: true, read: async () => '' })
  const make = (name: string): Volume => at.origin(`appvms/${name}`, { name: 'root', revisionsToKeep: keeps })
  const [template, other] = [make('debian'), make('other')]
  await template.create()
  await other.create()
  const children = [0, 1, 2].map((child) => at.snapshot(template, `appvms/child${child}`))
  watching = true
  const scene = { template, other, children }
  const results = await Promise.allSettled(program.map(async (act) => acts[act]?.(scene)))
  for (const result of results) {
    if (result.status === 'rejected')
      expect(String(result.reason)).toMatch(/is running|its domain runs|being copied or exported|in progress/)
  }
  await Promise.all([template, other, ...children].map((volume) => volume.stop()))
  await template.verify()
  return shared
}

describe('a template whose image is used in place', () => {
  it('never shares a file that a guest writes, in any order of concurrent operations', async () => {
    const program = fc.array(fc.nat({ max: acts.length - 1 }), { minLength: 2, maxLength: 16 })
    await fc.assert(
      fc.asyncProperty(program, fc.nat(), fc.constantFrom(-1, 0, 2), async (steps, seed, keeps) => {
        expect(await play(steps, seed, keeps)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('starts at the same moment as its children, round after round: each child has a whole image of its own, or is refused', async () => {
    const [templateStart, childStarts] = [0, [10, 14, 18]]
    for (let seed = 0; seed < 300; seed++) {
      const program = seed % 2 ? [...childStarts, templateStart] : [templateStart, ...childStarts]
      expect(await play(program, seed, -1)).toEqual([])
    }
  })

  it('and another that are copied to each other do not wait for each other', async () => {
    for (let seed = 0; seed < 50; seed++) expect(await play([4, 5, 4, 5, 0, 1, 6, 7], seed, 1)).toEqual([])
  })

  it('that runs refuses its children with what to do', async () => {
    const at = await ImageFixture.make({
      os: interleavedOs(
        () => 0,
        () => {},
      ),
      folder: '/pools',
      reflink: true,
      read: async () => '',
    })
    const template = at.origin('vm-templates/debian', { name: 'root', revisionsToKeep: -1 })
    await template.create()
    await template.start()
    await expect(at.snapshot(template).start()).rejects.toThrow('shut down its domain first')
    await expect(at.origin().importVolume(template)).rejects.toThrow(StoragePoolException)
  })
})
