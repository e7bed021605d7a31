import { QubesMemoryError } from '@cloister/kit'
import { ModelledOs } from '@cloister/os'
import { expect, it } from 'vitest'
import { hostMemory } from './host-memory.ts'

/** Available memory of a host with `memory` bytes and this `/proc/meminfo`. */
async function given(memory: number, meminfo: string): Promise<number> {
  const os = new ModelledOs()
  await os.files.makeFolder('/proc', 0o755)
  await os.files.create('/proc/meminfo', { data: new TextEncoder().encode(meminfo) })
  return hostMemory({ ...os, files: os.files, host: { ...os.host, memory } })
}

const gib = 2 ** 30

it.each([
  ['5 % of a large host', 40 * gib, 30_000_000, 30_000_000 - 2 * 2 ** 20],
  ['512 MiB of a small one', 4 * gib, 1_000_000, 1_000_000 - 2 ** 19],
  ['more than there is', 4 * gib, 100_000, 100_000 - 2 ** 19],
])('keeps %s', async (_case, memory, available, free) => {
  expect(await given(memory, `MemTotal: 1 kB\nMemAvailable:   ${available} kB\n`)).toBe(free)
})

it('does not guess', async () => {
  await expect(given(gib, 'MemTotal: 1 kB\n')).rejects.toThrow(QubesMemoryError)
})
