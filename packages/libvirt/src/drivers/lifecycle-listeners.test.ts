import { describe, expect, it } from 'vitest'
import type { LifecycleEvent } from '../driver.ts'
import { LifecycleListeners } from './lifecycle-listeners.ts'

const event = (detail: number): LifecycleEvent => ({
  domain: { name: 'd', uuid: 'u', id: 1 },
  event: 'started',
  detail,
})

describe('LifecycleListeners', () => {
  it('gives each listener all events in order, also an event that a listener causes', () => {
    const listeners = new LifecycleListeners()
    const heard: string[] = []
    listeners.register(({ detail }) => {
      heard.push(`a${detail}`)
      if (detail === 1) listeners.emit(event(2))
    })
    listeners.register(({ detail }) => heard.push(`b${detail}`))
    listeners.emit(event(1))
    expect(heard).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  it('is not stopped by a listener that throws, and says so', () => {
    const said: unknown[] = []
    const listeners = new LifecycleListeners((...line) => said.push(line))
    const heard: number[] = []
    listeners.register(() => {
      throw new Error('no')
    })
    listeners.register(({ detail }) => heard.push(detail))
    listeners.emit(event(1))
    listeners.emit(event(2))
    expect(heard).toEqual([1, 2])
    expect(said[0]).toEqual([
      'error',
      'a listener of life-cycle events failed',
      { domain: 'd', event: 'started', error: 'no' },
    ])
  })

  it('does not call a listener that was removed, not even for the event that is being delivered', () => {
    const listeners = new LifecycleListeners()
    const heard: number[] = []
    listeners.register(() => later.close())
    const later = listeners.register(({ detail }) => heard.push(detail))
    listeners.emit(event(1))
    expect(heard).toEqual([])
  })

  it('counts each registration of a function by itself', () => {
    const listeners = new LifecycleListeners()
    const heard: number[] = []
    const listener = ({ detail }: LifecycleEvent): void => void heard.push(detail)
    listeners.register(listener).close()
    listeners.register(listener)
    listeners.register(listener)
    listeners.emit(event(1))
    expect(heard).toEqual([1, 1])
  })
})
