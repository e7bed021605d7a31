import { nodeOs } from '@cloister/os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DomainHandle } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { TestDriver } from './test-driver.ts'

const names = ['a', 'b'] as const
const uuids = { a: 'aaaaaaaa-0000-4000-8000-000000000000', b: 'bbbbbbbb-0000-4000-8000-000000000000' }
const os = nodeOs()

/** A domain as the rules see it. */
interface Model {
  stored: boolean
  active: boolean
  paused: boolean
}

/** What each operation needs, and what it makes of a domain; a number is the error that it ends in instead. */
const rules = {
  domainDefineXML: (d: Model) => ({ ...d, stored: true }),
  domainCreateXML: (d: Model) => (d.active ? 55 : { ...d, active: true, paused: false }),
  domainCreate: (d: Model) => absent(d) ?? (d.active ? 55 : { ...d, active: true, paused: false }),
  createPaused: (d: Model) => absent(d) ?? (d.active ? 55 : { ...d, active: true, paused: true }),
  domainDestroy: (d: Model) => absent(d) ?? (d.active ? { ...d, active: false } : 55),
  domainUndefine: (d: Model) => absent(d) ?? (d.stored ? { ...d, stored: false } : 55),
  domainSuspend: (d: Model) => absent(d) ?? (d.active && !d.paused ? { ...d, paused: true } : 55),
  domainResume: (d: Model) => absent(d) ?? (d.active && d.paused ? { ...d, paused: false } : 55),
} satisfies Record<string, (domain: Model) => Model | number>

type Verb = keyof typeof rules

function absent({ stored, active }: Model): 42 | undefined {
  return stored || active ? undefined : 42
}

function xml(name: 'a' | 'b'): string {
  return `<domain type='test'><name>${name}</name><uuid>${uuids[name]}</uuid><memory>1</memory><os><type>hvm</type></os></domain>`
}

function call(driver: TestDriver, verb: Verb, name: 'a' | 'b'): Promise<unknown> {
  if (verb === 'domainDefineXML' || verb === 'domainCreateXML') return driver[verb](xml(name))
  const handle: DomainHandle = { name, uuid: uuids[name], id: -1 }
  return verb === 'createPaused' ? driver.domainCreate(handle, { paused: true }) : driver[verb](handle)
}

async function codeOf(work: Promise<unknown>): Promise<number> {
  try {
    await work
    return 0
  } catch (error) {
    if (error instanceof LibvirtError) return error.code
    throw error
  }
}

/** What can be seen of a domain from outside. */
async function seen(driver: TestDriver, name: 'a' | 'b'): Promise<Model> {
  const handle = { name, uuid: uuids[name], id: -1 }
  const listed = (await driver.connectListAllDomains()).find((one) => one.name === name)
  if (!listed) return { stored: false, active: false, paused: false }
  const { state } = await driver.domainGetState(handle)
  expect(state === 'shutoff').toBe(listed.id === -1)
  return { stored: await driver.domainIsPersistent(handle), active: listed.id !== -1, paused: state === 'paused' }
}

/** What a listener who believes the events alone thinks of a domain. */
function heard(model: Model, event: string): Model {
  const effects: Record<string, Partial<Model>> = {
    defined: { stored: true },
    undefined: { stored: false },
    started: { active: true, paused: false },
    suspended: { paused: true },
    resumed: { paused: false },
    stopped: { active: false, paused: false },
  }
  return { ...model, ...effects[event] }
}

const step = fc.record({
  verb: fc.constantFrom(...Object.keys(rules).map((verb) => verb as Verb)),
  name: fc.constantFrom(...names),
})

describe('the test driver', () => {
  it('keeps the state rules over any history, and its events tell the whole of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const driver = new TestDriver('test:///empty', { os })
        const nothing: Model = { stored: false, active: false, paused: false }
        const models = { a: nothing, b: nothing }
        const told = { a: nothing, b: nothing }
        driver.connectDomainEventRegister(({ domain, event }) => {
          const name = domain.name === 'a' ? 'a' : 'b'
          told[name] = heard(told[name], event)
        })
        for (const { verb, name } of steps) {
          const next = rules[verb](models[name])
          expect(await codeOf(call(driver, verb, name))).toBe(typeof next === 'number' ? next : 0)
          if (typeof next !== 'number') models[name] = { ...next, paused: next.active && next.paused }
          for (const one of names) {
            expect(await seen(driver, one)).toEqual(models[one])
            expect(told[one]).toEqual(models[one])
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
