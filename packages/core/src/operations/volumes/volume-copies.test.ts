import { QubesVolumeCopyInUseError, QubesVolumeCopyTokenNotFoundError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { QubesVM } from '../../domains/qubes-vm.ts'
import { TestSystem } from '../../testing/test-system.ts'
import { tokenLifeMs, tokensPerDomain } from './volume-copies.ts'
import { findVolume, type OwnedVolume } from './volume-operations.ts'

let system: TestSystem
let source: OwnedVolume
let target: OwnedVolume
let caller: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  source = findVolume(await system.create('StandaloneVM', 'source'), 'private')
  target = findVolume(await system.create('StandaloneVM', 'target'), 'private')
  caller = await system.create('StandaloneVM', 'caller')
})

afterEach(() => system[Symbol.asyncDispose]())

it('a token is good for one copy', async () => {
  const token = system.app.copies.offer(source, caller)
  await system.app.copies.take(token, target)
  await expect(system.app.copies.take(token, target)).rejects.toThrow(QubesVolumeCopyTokenNotFoundError)
})

it('a token expires after ten minutes, not before', async () => {
  const [early, late] = [system.app.copies.offer(source, caller), system.app.copies.offer(source, caller)]
  system.clock.advance(tokenLifeMs - 1)
  await system.app.copies.take(early, target)
  system.clock.advance(1)
  await expect(system.app.copies.take(late, target)).rejects.toThrow(QubesVolumeCopyTokenNotFoundError)
})

it('tokens that are never used keep only the domain that holds them from beginning copies, and only until they expire', () => {
  const { copies, adminVM } = system.app
  for (let count = 0; count < tokensPerDomain; count++) copies.offer(source, caller)
  expect(() => copies.offer(source, caller)).toThrow(QubesVolumeCopyInUseError)
  expect(copies.offer(source, adminVM)).toHaveLength(32)
  system.clock.advance(tokenLifeMs)
  expect(copies.offer(source, caller)).toHaveLength(32)
})
