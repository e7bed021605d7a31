import type { QubesEvent } from '@cloister/admin-protocol'
import { msg, QubesException, utf8 } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AccessRules, allowEverything, type CallValues, PolicyRefusal, type RequestedCall } from './access.ts'
import { standalone, TestPipeline } from './testing/test-pipeline.ts'

/** Rules that write down what they are asked, and refuse what a test wants refused. */
class TestRules implements AccessRules {
  readonly asked: string[] = []
  readonly values: unknown[] = []
  refuse: (name: string) => Error | undefined = () => undefined
  isSlow = false
  hidden = ''

  authorise({ name, argument, source, destination }: RequestedCall): void | Promise<void> {
    this.asked.push(`${name}+${argument} ${source.name} ${destination.name}`)
    const refusal = this.refuse(name)
    if (this.isSlow) return refusal ? Promise.reject(refusal) : Promise.resolve()
    if (refusal) throw refusal
  }

  constrain(_call: RequestedCall, { argument, payload }: CallValues): void {
    this.values.push({ argument, payload })
    if (payload === 'forbidden') throw new PolicyRefusal(msg`the value is forbidden`)
  }

  seesDomain: AccessRules['seesDomain'] = (_source, { name }) => name !== this.hidden
  seesEvent: AccessRules['seesEvent'] = (_source, { domain }) => domain !== this.hidden
}

let rules: TestRules
let guest: TestPipeline

beforeEach(async () => {
  rules = new TestRules()
  guest = await TestPipeline.open({ access: rules, identity: { source: 'work' } })
  await standalone(guest.system, 'work')
  await standalone(guest.system, 'other')
})

afterEach(() => guest[Symbol.asyncDispose]())

describe('identify', () => {
  it('takes the source from the endpoint, whatever the header says', async () => {
    await guest.ask('admin.vm.feature.Set+f', { source: 'dom0', destination: 'other', payload: '1' })
    await guest.ask('admin.vm.feature.Set+f', { source: 'nosuch', destination: 'other', payload: '1' })
    expect(rules.asked).toEqual(['admin.vm.feature.Set+f work other', 'admin.vm.feature.Set+f work other'])
  })

  it('answers a call to a domain that does not exist like a refusal, unless the caller is trusted', async () => {
    expect(await guest.ask('admin.vm.Start', { destination: 'nosuch' })).toBe('')
    await using trusted = await TestPipeline.open()
    expect(await trusted.ask('admin.vm.Start', { destination: 'nosuch' })).toMatch(/^2\|QubesVMNotFoundError\|/)
    expect(await trusted.ask('admin.vm.Start', { source: 'nosuch' })).toMatch(/^2\|QubesVMNotFoundError\|/)
  })

  it('knows only the calls of its group', async () => {
    expect(await guest.ask('internal.GetSystemInfo')).toMatch(/^2\|ProtocolError\|/)
    await using internal = await TestPipeline.open({ calls: 'internal' })
    expect(await internal.ask('internal.GetSystemInfo')).toContain('"dom0"')
    expect(await internal.ask('admin.vm.List')).toMatch(/^2\|ProtocolError\|/)
  })
})

describe('authorise', () => {
  it.each([false, true])(
    'refuses with an empty reply before anything is decoded, and writes the reason down',
    async (isSlow) => {
      rules.isSlow = isSlow
      rules.refuse = () => new PolicyRefusal(msg`no rule allows it`)
      expect(await guest.ask('admin.label.Create+', { payload: 'nonsense' })).toBe('')
      expect(rules.values).toEqual([])
      expect(guest.log.lines).toMatchObject([
        {
          message: 'call refused',
          details: { call: 'admin.label.Create', source: 'work', reason: 'no rule allows it' },
        },
      ])
    },
  )

  it('can refuse in words', async () => {
    rules.refuse = () => new QubesException('ask again tomorrow')
    expect(await guest.ask('admin.label.List')).toBe('2|QubesException||ask again tomorrow|')
  })

  it('refuses a streamed call before its data are read', async () => {
    rules.refuse = () => new PolicyRefusal(msg`no rule allows it`)
    let isRead = false
    const data = (async function* () {
      isRead = true
      yield utf8('100\n')
    })()
    expect(await guest.ask('admin.vm.volume.ImportWithSize+private', { destination: 'work', data })).toBe('')
    expect(isRead).toBe(false)
  })
})

describe('constrain', () => {
  it('sees typed values, of a streamed call those of its first line', async () => {
    const data = (async function* () {
      yield utf8('12')
      yield utf8('3\nabc')
    })()
    await guest.ask('admin.vm.volume.ImportWithSize+private', { destination: 'work', data })
    await guest.ask('admin.vm.volume.Set.rw+private', { destination: 'work', payload: 'yes' })
    expect(rules.values).toEqual([
      { argument: 'private', payload: 123n },
      { argument: 'private', payload: true },
    ])
  })

  it('refuses a value before the call is made', async () => {
    const call = { destination: 'work', payload: 'forbidden' }
    expect(await guest.ask('admin.vm.feature.Set+f', call)).toBe('')
    expect(await guest.ask('admin.vm.feature.Get+f', { destination: 'work' })).toMatch(
      /^2\|QubesFeatureNotFoundError\|/,
    )
  })
})

describe('handle', () => {
  it('answers reads at once', () => {
    expect(guest.answer('admin.vm.List')).not.toBeInstanceOf(Promise)
  })

  it('shows lists and events without what the source must not see', async () => {
    rules.hidden = 'other'
    expect(await guest.ask('admin.vm.List')).not.toContain('other')
    expect(await guest.ask('admin.vm.List', { destination: 'other' })).toBe('0|')
    const seen: string[] = []
    const gone = new AbortController()
    const send = ({ subject, name }: QubesEvent): number => seen.push(`${subject} ${name}`)
    const stream = guest.ask('admin.Events', { send, signal: gone.signal })
    await guest.ask('admin.vm.tag.Set+t', { destination: 'other' })
    await guest.ask('admin.vm.tag.Set+t', { destination: 'work' })
    await expect.poll(() => seen).toEqual([' connection-established', 'work domain-tag-add:t'])
    gone.abort()
    expect(await stream).toBe('')
  })

  it('counts a call that waits as running until its end, but no subscription', async () => {
    const gone = new AbortController()
    const stream = guest.ask('admin.Events', { signal: gone.signal })
    const call = guest.ask('admin.vm.tag.Set+t', { destination: 'work' })
    const clock = guest.system.clock
    const settled = guest.running.settle(clock, 1_000)
    await call
    expect(await settled).toBe(0)
    gone.abort()
    await stream
  })
})

describe('audit', () => {
  it('writes down writes and refusals, not reads', async () => {
    await using trusted = await TestPipeline.open({ access: allowEverything })
    await trusted.ask('admin.vm.List')
    await trusted.ask('admin.vm.tag.Set+t')
    await trusted.ask('admin.vm.tag.Remove+u')
    expect(trusted.log.lines.map(({ message, details }) => [message, details['call'], details['argument']])).toEqual([
      ['call', 'admin.vm.tag.Set', 't'],
      ['call refused', 'admin.vm.tag.Remove', 'u'],
    ])
  })
})
