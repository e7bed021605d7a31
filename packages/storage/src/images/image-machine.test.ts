import { type ModelledOs, seededSurvival } from '@cloister/os'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from '../testing/image-fixture.ts'
import { guestWrites, modelledPlace } from '../testing/place.ts'
import { supported, type Volume } from '../volume.ts'

// Random lives of an origin and a disposable made from it, against a model that knows only contents.

interface State {
  readonly content: string
  readonly size: bigint
}

/** What the volumes hold, by what can be read from outside. */
class Model {
  committed: State = { content: '', size: MiB }
  /** What the running (or crashed) domain has written; undefined when there is no uncommitted state. */
  running: State | undefined
  /** The domain writes the committed image itself. */
  inPlace = false
  keep = 1
  revisions: (State & { readonly id: number })[] = []
  /** What the disposable started from, while it runs. */
  child: string | undefined
  /** After a kill inside a change: what may come back when the power fails before another change makes the names durable. */
  undurable: readonly (string | undefined)[] = []

  get newest(): State {
    return this.running ?? this.committed
  }

  keepRevision(): void {
    if (this.keep <= 0 || this.inPlace) return
    this.revisions.push({ id: (this.revisions.at(-1)?.id ?? 0) + 1, ...this.committed })
  }

  prune(): void {
    this.revisions = this.keep > 0 ? this.revisions.slice(-this.keep) : []
  }

  commit(state: State): void {
    this.keepRevision()
    this.prune()
    this.committed = state
    this.running = undefined
    this.inPlace = false
    this.undurable = []
  }
}

/** The real thing; volumes are made anew when the process dies. */
class Real {
  readonly os: ModelledOs
  at: ImageFixture
  volume: Volume
  child: Volume

  constructor(os: ModelledOs, at: ImageFixture) {
    this.os = os
    this.at = at
    this.volume = at.origin('appvms/work')
    this.child = at.snapshot(this.volume)
  }

  async reopen(keep: number): Promise<void> {
    this.at = await this.at.afterCrash()
    this.volume = this.at.origin('appvms/work')
    this.volume.revisionsToKeep = keep
    this.child = this.at.snapshot(this.volume)
  }

  async import(content: string): Promise<void> {
    await guestWrites(this.os, await supported(this.volume, 'importData')(), content)
    await supported(this.volume, 'importDataEnd')(true)
  }
}

type Command = fc.AsyncCommand<Model, Real>

let texts = 0

/** A command that says what it does to the model, what it does really, and when it makes sense. */
function command(
  name: string,
  check: (model: Model) => boolean,
  model: (model: Model) => void,
  real: (real: Real, model: Readonly<Model>) => Promise<unknown>,
): Command {
  return {
    check,
    run: async (m, r) => {
      model(m)
      await real(r, m)
      await compare(m, r)
    },
    toString: () => name,
  }
}

function start(): Command {
  return command(
    'start',
    () => true,
    (m) => {
      if (m.keep === -1) m.prune()
      if (m.running !== undefined) return
      m.running = m.committed
      m.inPlace = m.keep === -1
      m.undurable = []
    },
    (r) => r.volume.start(),
  )
}

function write(): Command {
  const text = `text ${texts++}`
  return command(
    `write ${text}`,
    (m) => m.running !== undefined,
    (m) => {
      m.running = { ...m.newest, content: text }
    },
    (r) => guestWrites(r.os, r.volume.path, text),
  )
}

function stop(): Command {
  return command(
    'stop',
    () => true,
    (m) => {
      if (m.running !== undefined) m.commit(m.running)
    },
    (r) => r.volume.stop(),
  )
}

function importData(): Command {
  const text = `import ${texts++}`
  return command(
    text,
    () => true,
    (m) => m.commit({ ...m.newest, content: text }),
    (r) => r.import(text),
  )
}

function revert(): Command {
  return command(
    'revert',
    (m) => m.running === undefined && m.revisions.length > 0,
    (m) => {
      const chosen = m.revisions.pop()
      if (!chosen) return
      if (m.keep > 0) m.revisions.push({ ...m.committed, id: chosen.id + 1 })
      m.committed = { content: chosen.content, size: chosen.size }
      m.undurable = []
    },
    (r) => supported(r.volume, 'revert')(),
  )
}

function snapshot(): Command {
  return command(
    'snapshot',
    (m) => m.keep > 0 && !m.inPlace,
    (m) => {
      m.keepRevision()
      m.prune()
      m.undurable = []
    },
    (r) => supported(r.volume, 'snapshot')(),
  )
}

function setKeep(keep: number): Command {
  return command(
    `keep ${keep}`,
    (m) => m.running === undefined,
    (m) => {
      m.keep = keep
    },
    async (r) => {
      r.volume.revisionsToKeep = keep
    },
  )
}

function grow(): Command {
  return command(
    'grow',
    (m) => m.newest.size < 64n * MiB,
    (m) => {
      const { content, size } = m.newest
      if (m.running) m.running = { content, size: size * 2n }
      else m.committed = { content, size: size * 2n }
    },
    (r, m) => r.volume.resize(m.newest.size),
  )
}

function startChild(): Command {
  return command(
    'start the disposable',
    (m) => m.child === undefined && !m.inPlace && !(m.keep === -1 && m.running !== undefined),
    (m) => {
      m.child = m.committed.content
    },
    (r) => r.child.start(),
  )
}

function stopChild(): Command {
  return command(
    'stop the disposable',
    () => true,
    (m) => {
      m.child = undefined
    },
    (r) => r.child.stop(),
  )
}

function kill(): Command {
  return command(
    'kill -9',
    () => true,
    () => {},
    async (r, m) => {
      r.os.restart()
      await r.reopen(m.keep)
    },
  )
}

/** The machine comes back, and with it the daemon, which stops what does not run any more. */
function losePower(seed: number): Command {
  return {
    check: () => true,
    run: async (m, r) => {
      const { undurable } = m
      m.child = undefined
      if (m.running !== undefined) m.commit(m.running)
      r.os.losePower(seed === 0 ? undefined : seededSurvival(seed))
      await r.reopen(m.keep)
      await r.volume.stop()
      await r.child.stop()
      if (undurable.length > 0) await learn(m, r, [m.committed.content, ...undurable])
      await compare(m, r)
    },
    toString: () => `power loss ${seed}`,
  }
}

const anyCommand = fc.oneof(
  ...[start, write, stop, importData, revert, snapshot, grow, startChild, stopChild, kill].map((make) =>
    fc.constant(null).map(() => make()),
  ),
  fc.constantFrom(-1, 0, 1, 3).map(setKeep),
  fc.nat(20).map(losePower),
)

/** A change that dies inside, and what the volume may hold as its newest state afterwards. */
interface DeadlyChange {
  readonly name: string
  readonly run: (real: Real) => Promise<unknown>
  readonly holds: (model: Model) => (string | undefined)[]
}

const deadlyChanges: readonly DeadlyChange[] = [
  { name: 'start', run: (r) => r.volume.start(), holds: (m) => [m.newest.content] },
  { name: 'stop', run: (r) => r.volume.stop(), holds: (m) => [m.newest.content] },
  { name: 'import', run: (r) => r.import('deadly'), holds: (m) => [m.newest.content, 'deadly'] },
  {
    name: 'revert',
    run: (r) => supported(r.volume, 'revert')(),
    holds: (m) => [m.newest.content, m.running === undefined ? m.revisions.at(-1)?.content : undefined],
  },
  { name: 'snapshot', run: (r) => supported(r.volume, 'snapshot')(), holds: (m) => [m.newest.content] },
  { name: 'start of the disposable', run: (r) => r.child.start(), holds: (m) => [m.newest.content] },
]

/** The process dies inside a change, perhaps with the machine; then the daemon comes back. The model learns what is left. */
function die({ name, run, holds }: DeadlyChange, steps: number, seed: number | undefined): Command {
  return {
    check: () => true,
    run: async (m, r) => {
      const allowed = [...holds(m), ...m.undurable]
      r.os.files.faults.dieAfter(steps)
      await run(r).catch(() => {})
      if (seed === undefined) r.os.restart()
      else r.os.losePower(seededSurvival(seed))
      await r.reopen(m.keep)
      await r.volume.stop()
      await r.child.stop()
      await learn(m, r, allowed)
      m.undurable = seed === undefined ? allowed : []
    },
    toString: () => `${name} dies after ${steps} steps, ${seed === undefined ? 'killed' : `power loss ${seed}`}`,
  }
}

/** Takes over what the halted volume holds, which must be one of the allowed contents. */
async function learn(m: Model, r: Real, allowed: readonly (string | undefined)[]): Promise<void> {
  const content = (await r.at.content(r.volume)) ?? 'nothing'
  expect(allowed).toContain(content)
  const revisions = await revisionsOf(r)
  for (const revision of revisions) expect(revision.content).toMatch(/^((text|import) \d+|deadly)?$/)
  expect(await leftovers(r)).toEqual([])
  const committed = { content, size: await r.volume.size() }
  Object.assign(m, { committed, running: undefined, inPlace: false, child: undefined, revisions })
}

const deadlyCommand = fc
  .tuple(fc.constantFrom(...deadlyChanges), fc.nat(22), fc.option(fc.nat(1000), { nil: undefined }))
  .map(([change, steps, seed]) => die(change, steps, seed))

describe.each([
  { title: 'sharing blocks', options: {} },
  { title: 'copying', options: { reflink: false } },
  { title: 'with coarse times', options: { tickNs: 0n } },
])('random lives of volumes, $title', ({ options }) => {
  it('end as the model says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.commands([anyCommand, anyCommand, anyCommand, deadlyCommand], { maxCommands: 60 }),
        async (commands) => {
          const place = modelledPlace(options)
          const at = await ImageFixture.make(place)
          const real = new Real(place.os, at)
          await real.volume.create()
          await fc.asyncModelRun(() => ({ model: new Model(), real }), commands)
        },
      ),
      { numRuns: 400 },
    )
  })
})

async function compare(m: Model, r: Real): Promise<void> {
  expect(await r.volume.isDirty()).toBe(m.running !== undefined)
  expect(await r.at.content(r.volume)).toBe(m.inPlace ? undefined : m.committed.content)
  expect(await r.at.content(r.volume, '-dirty.img')).toBe(m.running?.content)
  expect(await revisionsOf(r)).toEqual(m.revisions)
  expect(await r.volume.size()).toBe(m.newest.size)
  expect(await r.at.content(r.child, '-dirty.img')).toBe(m.child)
  if (m.child !== undefined && m.child !== m.committed.content && !m.inPlace)
    expect(await r.child.isOutdated()).toBe(true)
}

async function revisionsOf(r: Real): Promise<Model['revisions']> {
  const found: Model['revisions'] = []
  for (const { id, time } of await r.volume.revisions()) {
    const suffix = `.img.${id}@${time}Z`
    const [content, stat] = [await r.at.content(r.volume, suffix), await r.at.stat(r.volume, suffix)]
    found.push({ id: Number(id), content: content ?? 'nothing', size: stat?.size ?? 0n })
  }
  return found
}

async function leftovers(r: Real): Promise<string[]> {
  const names = [...(await r.at.names('appvms/work')), ...(await r.at.names('appvms/disp1'))]
  return names.filter((name) => /~|import|dirty/.test(name))
}
