import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeException, encodeOk } from '@cloister/admin-protocol'
import { msg, QubesException, QubesVMNotHaltedError, utf8 } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AdminClient } from '../admin-client.ts'
import { type SeenRequest, TestServer, wholeRequests } from '../testing/test-server.ts'
import { importVolume } from './import-volume.ts'
import { UnixTransport } from './unix-transport.ts'

const size = 1 << 20
let folder = ''
let target = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
  target = join(folder, 'private-import.img')
  const file = await open(target, 'w')
  await file.truncate(size)
  await file.close()
})
afterEach(() => rm(folder, { recursive: true }))

/** A daemon that hands out the target and takes down how imports end. */
function daemon(ends: SeenRequest[]) {
  return wholeRequests((request) => {
    if (request.call.includes('ImportBegin')) return encodeOk(utf8(`${request.payload || size} ${target}`))
    ends.push(request)
    const failed = { type: 'QubesException', message: msg`the import failed`, traceback: '' }
    return request.payload === 'ok' ? encodeOk(new Uint8Array()) : encodeException(failed, 'plain')
  })
}

async function run(data: AsyncIterable<Uint8Array>, wanted?: bigint): Promise<SeenRequest[]> {
  const ends: SeenRequest[] = []
  await using server = await TestServer.start(daemon(ends))
  const client = new AdminClient(new UnixTransport(server.path))
  const request = { domain: 'work', volume: 'private', data }
  await importVolume(client, wanted === undefined ? request : { ...request, size: wanted })
  return ends
}

async function* pieces(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

describe('importVolume', () => {
  it('writes exactly the data, and keeps holes', async () => {
    const image = new Uint8Array(size)
    image
      .fill(1, 0, 10)
      .fill(2, 700_000, 700_100)
      .fill(3, size - 1)
    await writeFile(join(folder, 'source'), image)
    const ends = await run(createReadStream(join(folder, 'source')))
    expect(ends).toEqual([{ call: 'internal.vm.volume.ImportEnd+private dom0 work', payload: 'ok' }])
    expect(Buffer.compare(await readFile(target), image)).toBe(0)
    expect((await stat(target)).blocks * 512).toBeLessThan(size / 2)
  })

  it('writes zeroes over what is there', async () => {
    await writeFile(target, new Uint8Array(size).fill(9))
    await run(pieces(new Uint8Array(size)))
    expect((await readFile(target)).every((byte) => byte === 0)).toBe(true)
  })

  it('passes a size on', async () => {
    await run(pieces(new Uint8Array(5).fill(1)), 5n)
    expect((await readFile(target)).subarray(0, 6)).toEqual(Buffer.from([1, 1, 1, 1, 1, 0]))
  })

  it.each([
    ['short', size - 1],
    ['long', size + 1],
  ])('ends an import whose data are too %s as failed', async (_, length) => {
    const ends: SeenRequest[] = []
    await using server = await TestServer.start(daemon(ends))
    const client = new AdminClient(new UnixTransport(server.path))
    const request = { domain: 'work', volume: 'private', data: pieces(new Uint8Array(length)) }
    await expect(importVolume(client, request)).rejects.toThrow(/the data (have|are longer)/)
    expect(ends.map(({ payload }) => payload.split('\n')[0])).toEqual(['fail'])
  })

  it('ends an import whose data break off as failed', async () => {
    const ends: SeenRequest[] = []
    await using server = await TestServer.start(daemon(ends))
    const client = new AdminClient(new UnixTransport(server.path))
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
      throw new Error('the disk fell out')
    }
    const call = importVolume(client, { domain: 'work', volume: 'private', data: broken() })
    await expect(call).rejects.toThrow('the disk fell out')
    expect(ends).toHaveLength(1)
  })

  it('begins nothing that the daemon refuses', async () => {
    const running = { type: 'QubesVMNotHaltedError', message: msg`work is running`, traceback: '' }
    const calls: string[] = []
    await using server = await TestServer.start(
      wholeRequests(({ call }) => {
        calls.push(call)
        return encodeException(running, 'plain')
      }),
    )
    const client = new AdminClient(new UnixTransport(server.path))
    const call = importVolume(client, { domain: 'work', volume: 'private', data: pieces() })
    await expect(call).rejects.toThrow(QubesVMNotHaltedError)
    await expect(call).rejects.toThrow(QubesException)
    expect(calls).toHaveLength(1)
  })
})
