import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DispVM } from '../domains/disp-vm.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { cloneDomain } from '../operations/clone-domain.ts'
import { createTemplate } from '../operations/create-template.ts'
import { setProperty } from '../operations/properties.ts'
import { importStream } from '../operations/volumes/import-stream.ts'
import { findVolume, resizeVolume } from '../operations/volumes/volume-operations.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'

// The daemon dies at every step of an operation in turn; the next one must find all of it, or nothing.

/** More steps than any operation has. */
const mostSteps = 300

const { processes } = nodeOs()
const hasQemuImg = (await processes.find('qemu-img')) !== undefined
if (!hasQemuImg) console.info('qemu-img is not installed: the death of the daemon during a conversion is not tried')
/** Each step is tried with programs of its own. */
const conversionsMs = 300_000

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  await system.create('AppVM', 'work', template)
  await setProperty(vm('work'), 'template_for_dispvms', 'True')
  await setProperty(vm('work'), 'memory', '300')
})
afterEach(() => system[Symbol.asyncDispose]())

function vm(name: string): QubesVM {
  const found = system.app.domains.get(name)
  if (!(found instanceof QubesVM)) throw new Error(`${name} does not run here`)
  return found
}

const names = (): string[] => system.app.domains.sorted().map(({ name }) => name)
const privateImage = (name: string): string => join(system.folder, vm(name).storage.get('private').vid)

async function content(path: string): Promise<string> {
  const file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
  await file.close()
  return buffer.subarray(0, bytesRead).toString().replaceAll('\0', '')
}

/** What a guest has written at the beginning of its private volume, and flushed. */
async function guestWrites(name: string, text: string): Promise<void> {
  const file = await open(`${privateImage(name)}-dirty.img`, 'r+')
  await file.write(text.padEnd(16, '\0'), 0)
  await file.close()
}

interface Dying {
  /** Makes ready for the operation; the first time there is nothing that an earlier one has left. */
  readonly prepare?: () => Promise<unknown>
  readonly operation: () => Promise<unknown>
  /** Sees to it that what the next daemon finds is the whole of the operation, or nothing of it. */
  readonly look: (done: boolean) => Promise<void> | void
  /** What removes files that may be left until then. */
  readonly heal?: () => Promise<unknown>
  readonly tidy?: () => Promise<unknown>
}

/** Lets the daemon die after each number of steps of an operation, until it comes to its end. @returns the number of steps */
async function dieEverywhere({ prepare, operation, look, heal, tidy }: Dying): Promise<number> {
  for (let count = 0; count < mostSteps; count++) {
    await prepare?.()
    system.faults.dieAfter(count)
    await operation().catch(() => {})
    const done = !system.faults.dead
    await system.reopen()
    try {
      await look(done)
      await heal?.()
      expect(await discrepancies(system)).toEqual([])
    } catch (cause) {
      throw new Error(`after ${count} steps${done ? ', which are all' : ''}: ${errorText(cause)}`, { cause })
    }
    await tidy?.()
    if (done) return count
  }
  throw new Error(`not done after ${mostSteps} steps`)
}

async function removeIfThere(name: string): Promise<void> {
  if (system.app.domains.find(name)) await system.app.removeDomain(vm(name))
}

/** Runs a domain once, with a guest that writes `text`. */
async function runOnce(name: string, text: string): Promise<void> {
  await vm(name).lifeCycle.start()
  await guestWrites(name, text)
  await vm(name).lifeCycle.kill()
}

async function startAndStop(): Promise<void> {
  await vm('work').lifeCycle.start()
  await vm('work').lifeCycle.kill()
}

async function* stream(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content)
}

/** A qcow2 image of a disk that begins with "image". */
async function smallQcow2(): Promise<Uint8Array> {
  const [raw, qcow2] = ['small.raw', 'small.qcow2'].map((name) => join(system.folder, name)) as [string, string]
  await writeFile(raw, 'image'.padEnd(1024))
  await processes.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2])
  const image = await readFile(qcow2)
  for (const path of [raw, qcow2]) await rm(path)
  return image
}

describe('the daemon dies while it', () => {
  it.each(['StandaloneVM', 'AppVM', 'TemplateVM'] as const)('makes a %s', async (klass) => {
    const count = await dieEverywhere({
      operation: () => system.create(klass, 'new', klass === 'AppVM' ? vm('tmpl') : undefined),
      look: (done) => {
        if (done) expect(names()).toContain('new')
        if (names().includes('new')) expect(vm('new').tags.list()).toContain('created-by-dom0')
      },
      tidy: () => removeIfThere('new'),
    })
    expect(count).toBeGreaterThan(5)
  })

  it('makes a template of an image', async () => {
    await dieEverywhere({
      operation: () =>
        createTemplate(system.app, {
          name: 'new',
          creator: system.app.adminVM,
          image: stream('image'.padEnd(1024)),
          limits: system.app.imageLimits,
        }),
      look: async (done) => {
        if (done) expect(names()).toContain('new')
        if (names().includes('new'))
          expect(await content(join(system.folder, 'vm-templates/new/root.img'))).toMatch(/^image/)
      },
      tidy: () => removeIfThere('new'),
    })
  })

  it.skipIf(!hasQemuImg)(
    'makes a template of a qcow2 image',
    async () => {
      const image = await smallQcow2()
      await dieEverywhere({
        operation: () =>
          createTemplate(system.app, {
            name: 'new',
            creator: system.app.adminVM,
            image: stream(image),
            limits: system.app.imageLimits,
          }),
        look: async (done) => {
          if (done) expect(names()).toContain('new')
          if (names().includes('new'))
            expect(await content(join(system.folder, 'vm-templates/new/root.img'))).toMatch(/^image/)
        },
        tidy: () => removeIfThere('new'),
      })
    },
    conversionsMs,
  )

  it('clones a domain', async () => {
    await runOnce('work', 'data')
    await dieEverywhere({
      operation: () => cloneDomain(vm('work'), { name: 'copy', pools: {}, creator: system.app.adminVM }),
      look: async (done) => {
        if (done) expect(names()).toContain('copy')
        if (!names().includes('copy')) return
        expect(await content(`${privateImage('copy')}.img`)).toBe('data')
        expect(vm('copy').get(vm('copy').property('memory'))).toBe(300)
      },
      tidy: () => removeIfThere('copy'),
    })
  })

  it('removes a domain', async () => {
    await dieEverywhere({
      prepare: async () => {
        if (!names().includes('victim')) await system.create('StandaloneVM', 'victim')
        await runOnce('victim', 'data')
      },
      operation: () => system.app.removeDomain(vm('victim')),
      look: async (done) => {
        if (done) expect(names()).not.toContain('victim')
        if (names().includes('victim')) expect(await content(`${privateImage('victim')}.img`)).toBe('data')
      },
    })
  })

  it('starts a domain', async () => {
    await runOnce('work', 'data')
    await dieEverywhere({
      operation: () => vm('work').lifeCycle.start(),
      look: async (done) => {
        expect(vm('work').powerState).toBeOneOf(done ? ['Running'] : ['Running', 'Halted'])
        expect(await content(`${privateImage('work')}.img`)).toBe('data')
      },
      tidy: async () => {
        if (vm('work').run) await vm('work').lifeCycle.kill()
        expect(await discrepancies(system)).toEqual([])
        await runOnce('work', 'data')
      },
    })
  })

  it('stops a domain', async () => {
    let run = 0
    await dieEverywhere({
      prepare: async () => {
        if (!vm('work').run) await vm('work').lifeCycle.start()
        await guestWrites('work', `run ${++run}`)
      },
      operation: () => vm('work').lifeCycle.kill(),
      look: async (done) => {
        if (done) expect(vm('work').powerState).toBe('Halted')
        const image = vm('work').run ? '-dirty.img' : '.img'
        expect(await content(`${privateImage('work')}${image}`)).toBe(`run ${run}`)
      },
    })
  })

  it('makes a disposable', async () => {
    await dieEverywhere({
      operation: () => system.app.disposables.create(vm('work'), system.app.adminVM),
      // One that was never started is of no use to the next daemon.
      look: () => expect(disposables()).toEqual([]),
    })
  })

  it('starts a disposable', async () => {
    await dieEverywhere({
      prepare: async () => {
        if (disposables().length === 0) await system.app.disposables.create(vm('work'), system.app.adminVM)
      },
      operation: async () => disposables()[0]?.lifeCycle.start(),
      look: (done) => {
        if (done) expect(disposables().map(({ powerState }) => powerState)).toEqual(['Running'])
      },
      tidy: () => Promise.all(disposables().map((one) => system.app.disposables.cleanup(one))),
    })
  })

  it('stops a disposable, which is then gone', async () => {
    await dieEverywhere({
      prepare: async () => {
        if (disposables().length > 0) return
        const disposable = await system.app.disposables.create(vm('work'), system.app.adminVM)
        await disposable.lifeCycle.start()
      },
      operation: async () => disposables()[0]?.lifeCycle.kill(),
      look: (done) => {
        if (done) expect(disposables()).toEqual([])
        for (const one of disposables()) expect(one.powerState).toBe('Running')
      },
    })
  })

  it('gives a domain another template', async () => {
    await system.create('TemplateVM', 'other')
    let wanted = 'tmpl'
    await dieEverywhere({
      prepare: async () => {
        wanted = vm('work').template?.name === 'tmpl' ? 'other' : 'tmpl'
      },
      operation: () => setProperty(vm('work'), 'template', wanted),
      look: (done) => {
        if (done) expect(vm('work').template?.name).toBe(wanted)
        expect(vm('work').storage.get('root').source?.vid).toBe(`vm-templates/${vm('work').template?.name}/root`)
      },
    })
  })

  it('imports into a volume', async () => {
    let run = 0
    await dieEverywhere({
      operation: () =>
        importStream(findVolume(vm('work'), 'private'), stream(`import ${++run}`.padEnd(1024, '\0')), 1024n),
      look: async (done) => {
        const found = await content(`${privateImage('work')}.img`)
        if (done) expect(found).toBe(`import ${run}`)
        else expect(found).toBeOneOf(['', `import ${run}`, `import ${run - 1}`])
      },
      heal: startAndStop,
    })
  })

  it('resizes a volume', async () => {
    let size = 4n << 30n
    await dieEverywhere({
      prepare: async () => {
        size += 4096n
      },
      operation: () => resizeVolume(findVolume(vm('work'), 'private'), size),
      look: async (done) => {
        const found = await vm('work').storage.get('private').size()
        if (done) expect(found).toBe(size)
      },
      heal: startAndStop,
    })
  })
})

const disposables = (): DispVM[] => [...system.app.domains].filter((one) => one instanceof DispVM)
