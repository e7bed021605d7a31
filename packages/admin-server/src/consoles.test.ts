import { mkdir } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { QubesVM } from '@cloister/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestSystem } from '../../core/src/testing/test-system.ts'
import { Consoles } from './consoles.ts'
import { KeptLog } from './testing/test-endpoint.ts'

let system: TestSystem
let work: QubesVM
let folder: string
let consoles: Consoles

beforeEach(async () => {
  system = await TestSystem.open()
  work = await system.create('StandaloneVM', 'work')
  await work.lifeCycle.start()
  folder = join(system.folder, 'consoles')
  consoles = new Consoles(system.app.os, new KeptLog(), folder)
})

afterEach(() => system[Symbol.asyncDispose]())

/** Whether something listens on a socket. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

it('a socket that could not be made is tried again, and does not keep the consoles from being closed', async () => {
  await expect(consoles.path(work)).rejects.toThrow(/Cannot make the socket .*work.console for the console of work/)
  await consoles.close()
  await expect(consoles.path(work)).rejects.toThrow(/Cannot make the socket/)
  await mkdir(folder)
  const path = await consoles.path(work)
  expect(await isServed(path)).toBe(true)
  expect(await consoles.path(work)).toBe(path)
  await consoles.close()
  expect(await isServed(path)).toBe(false)
})

it('the socket of a domain is closed when the domain stops', async () => {
  await mkdir(folder)
  const path = await consoles.path(work)
  await work.lifeCycle.kill()
  await expect.poll(() => isServed(path)).toBe(false)
})
