import { once } from 'node:events'
import { Server } from 'node:net'
import { connectionEstablished } from '@cloister/admin-protocol'
import { errorText, utf8Text } from '@cloister/kit'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Exchange } from './call-server.ts'
import { connectionLimits } from './connection.ts'
import { type Answer, Client, clientProcess, header, ok, TestEndpoint } from './testing/test-endpoint.ts'

const plain = 'admin.vm.feature.Set'
const streamed = 'admin.vm.volume.Import'
const mib = 1 << 20
/** Longer than each limit of a connection, ms. */
const longTime = 600_000

const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function open(answer: Answer): Promise<TestEndpoint> {
  const endpoint = await TestEndpoint.open(answer)
  cleanUp.push(() => endpoint[Symbol.asyncDispose]())
  return endpoint
}

async function connect(endpoint: TestEndpoint): Promise<Client> {
  const client = await Client.connect(endpoint.path)
  cleanUp.push(() => client.close())
  return client
}

/** A whole exchange on a connection of its own: the endpoint has then seen what came before on others. */
async function call(endpoint: TestEndpoint, method: string, payload = ''): Promise<string> {
  const client = await connect(endpoint)
  await client.send(header(method) + payload)
  client.halfClose()
  return client.read()
}

/** Reads the data of a streamed request and answers with their length, or with the error. */
async function lengthOf({ body }: Exchange): Promise<Uint8Array> {
  try {
    let length = 0
    for await (const chunk of body) length += chunk.length
    return ok(String(length))
  } catch (error) {
    return ok(errorText(error))
  }
}

describe('a connection on which a request arrives', () => {
  it('is answered after the half-close, not before', async () => {
    const endpoint = await open((_exchange, payload) => ok(payload))
    const client = await connect(endpoint)
    await client.send(header(plain))
    await client.send('val')
    await call(endpoint, 'admin.label.List')
    expect(endpoint.requests).toEqual(['admin.label.List'])
    await client.send('ue')
    client.halfClose()
    expect(await client.read()).toBe('0\0value')
  })

  it('is closed when the request is not complete within 30 s', async () => {
    const endpoint = await open(() => ok(''))
    const client = await connect(endpoint)
    await client.send(header(plain))
    await call(endpoint, 'admin.label.List')
    endpoint.clock.advance(connectionLimits.arrival)
    const whole = call(endpoint, 'admin.label.List')
    expect(await whole).toBe('0\0')
    expect(client.socket.readableEnded).toBe(false)
    endpoint.clock.advance(2_000)
    expect(await client.read()).toBe('')
    expect(endpoint.requests).not.toContain(plain)
  })

  it.each([
    ['a header without its end', 'admin.vm.feature.Set+ dom0'],
    ['half of a value', `${header(plain)}half of a val`],
  ])('drops the request of a client that was killed after %s', async (_case, bytes) => {
    const endpoint = await open(() => ok(''))
    const child = await clientProcess(endpoint.path, bytes)
    await call(endpoint, 'admin.label.List')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await call(endpoint, 'admin.vm.List')
    expect(endpoint.requests).toEqual(['admin.label.List', 'admin.vm.List'])
  })

  it('drops the request of a client that closed without a half-close', async () => {
    const endpoint = await open(() => ok(''))
    const client = await connect(endpoint)
    await client.send(`${header(plain)}half of a val`)
    await call(endpoint, 'admin.label.List')
    client.close()
    await call(endpoint, 'admin.vm.List')
    expect(endpoint.requests).toEqual(['admin.label.List', 'admin.vm.List'])
  })

  it.each([
    ['too long', `${header(plain)}${'1'.repeat(70_000)}`],
    ['no header', 'x'.repeat(70_000)],
    ['a header of three parts', 'admin.vm.List+ dom0 name\0'],
    ['nothing', ''],
  ])('answers %s with the empty reply, which a client that is still writing can read', async (_case, bytes) => {
    const endpoint = await open(() => ok(''))
    const client = await connect(endpoint)
    await client.send(bytes)
    await client.send('more'.repeat(mib))
    client.halfClose()
    expect(await client.read()).toBe('')
    expect(client.error).toBeUndefined()
    expect(endpoint.requests).toEqual([])
  })
})

describe('a connection with a streamed request', () => {
  it('hands the data over as they come', async () => {
    const endpoint = await open(lengthOf)
    const client = await connect(endpoint)
    await client.send(`${header(streamed)}abc`)
    await client.send('x'.repeat(3 * mib))
    client.halfClose()
    expect(await client.read()).toBe(`0\0${3 + 3 * mib}`)
  })

  it('ends when the client sends nothing for 60 s, and tells the client', async () => {
    const endpoint = await open(lengthOf)
    const client = await connect(endpoint)
    await client.send(`${header(streamed)}abc`)
    await call(endpoint, 'admin.label.List')
    endpoint.clock.advance(connectionLimits.progress - 1_000)
    await client.send('def')
    await call(endpoint, 'admin.label.List')
    endpoint.clock.advance(connectionLimits.progress - 1_000)
    const reply = client.read()
    await call(endpoint, 'admin.label.List')
    expect(client.socket.readableEnded).toBe(false)
    endpoint.clock.advance(5_000)
    expect(await reply).toBe('0\0The client sent no data for 60 s')
  })

  it('has no limit for a call that is slow to take the data, and holds the client back', async () => {
    const slow = Promise.withResolvers<void>()
    const endpoint = await open(async (exchange) => {
      await slow.promise
      return lengthOf(exchange)
    })
    const client = await connect(endpoint)
    let isSent = false
    void client.send(header(streamed) + 'x'.repeat(8 * mib)).then(() => {
      isSent = true
    })
    await expect.poll(() => endpoint.requests).toEqual([streamed])
    endpoint.clock.advance(longTime)
    client.halfClose()
    expect(isSent).toBe(false)
    slow.resolve()
    expect(await client.read()).toBe(`0\0${8 * mib}`)
  })

  it('has no limit once the data are complete', async () => {
    const complete = Promise.withResolvers<void>()
    const slow = Promise.withResolvers<void>()
    const endpoint = await open(async (exchange) => {
      const reply = await lengthOf(exchange)
      complete.resolve()
      await slow.promise
      return reply
    })
    const client = await connect(endpoint)
    await client.send(`${header(streamed)}abc`)
    client.halfClose()
    await complete.promise
    endpoint.clock.advance(longTime)
    slow.resolve()
    expect(await client.read()).toBe('0\x003')
  })

  it('fails the data of a client that was killed, or closed', async () => {
    const outcomes: string[] = []
    const endpoint = await open(async (exchange) => {
      const reply = await lengthOf(exchange)
      outcomes.push(utf8Text(reply.subarray(2)) ?? '')
      return reply
    })
    const child = await clientProcess(endpoint.path, `${header(streamed)}abc`)
    const client = await connect(endpoint)
    await client.send(`${header(streamed)}abc`)
    await expect.poll(() => endpoint.requests).toHaveLength(2)
    child.kill('SIGKILL')
    client.close()
    await expect.poll(() => outcomes).toHaveLength(2)
    expect(new Set(outcomes)).toEqual(new Set(['The client went away before the end of its data']))
  })

  it('that is refused early drops the data, so that a client that writes all of them first reads the reply', async () => {
    const endpoint = await open(() => ok('refused'))
    const client = await connect(endpoint)
    await client.send(header(streamed))
    for (let sent = 0; sent < 16; sent++) await client.send('x'.repeat(mib))
    client.halfClose()
    expect(await client.read()).toBe('0\0refused')
    expect(client.error).toBeUndefined()
  })

  it('that is refused after part of the data drops the rest', async () => {
    const endpoint = await open(async ({ body }) => {
      for await (const chunk of body) return ok(String(chunk.length > 0))
      return ok('')
    })
    const client = await connect(endpoint)
    await client.send(header(streamed))
    for (let sent = 0; sent < 16; sent++) await client.send('x'.repeat(mib))
    client.halfClose()
    expect(await client.read()).toBe('0\0true')
  })

  it('that is refused reads no more than 64 MiB', async () => {
    const endpoint = await open(() => ok('refused'))
    const client = await connect(endpoint)
    await client.send(header(streamed))
    let sent = 0
    const sending = async (): Promise<void> => {
      for (; sent < 80; sent++) await client.send('x'.repeat(mib))
    }
    await expect(sending()).rejects.toThrow(/EPIPE|ECONNRESET/)
    expect(sent).toBeGreaterThanOrEqual(64)
  })
})

describe('a connection whose call is being answered', () => {
  it('has no limit, and runs the call to its end when the client goes', async () => {
    const slow = Promise.withResolvers<void>()
    let isDone = false
    const endpoint = await open(async () => {
      await slow.promise
      isDone = true
      return ok('late')
    })
    const [stays, goes] = [await connect(endpoint), await connect(endpoint)]
    for (const client of [stays, goes]) {
      await client.send(header(plain))
      client.halfClose()
    }
    await expect.poll(() => endpoint.requests).toHaveLength(2)
    goes.close()
    endpoint.clock.advance(longTime)
    expect(isDone).toBe(false)
    slow.resolve()
    expect(await stays.read()).toBe('0\0late')
    expect(isDone).toBe(true)
  })
})

describe('a connection of a subscriber', () => {
  /** Subscribes and gives the client after its first message, and the exchange. */
  async function subscribe(): Promise<{ endpoint: TestEndpoint; client: Client; exchange: Exchange }> {
    const began = Promise.withResolvers<Exchange>()
    const endpoint = await open(async (exchange) => {
      exchange.send(connectionEstablished)
      began.resolve(exchange)
      if (!exchange.signal.aborted) await once(exchange.signal, 'abort')
      return new Uint8Array()
    })
    const client = await connect(endpoint)
    await client.send(header('admin.Events'))
    client.halfClose()
    return { endpoint, client, exchange: await began.promise }
  }

  it('gets messages without a limit of time', async () => {
    const { endpoint, client, exchange } = await subscribe()
    endpoint.clock.advance(longTime)
    exchange.send({ subject: 'work', name: 'domain-start', pairs: [] })
    const [chunk] = (await once(client.socket, 'data')) as [Uint8Array]
    expect(utf8Text(chunk)).toContain('connection-established')
    await expect.poll(() => exchange.signal.aborted).toBe(false)
  })

  it('ends within a second when the client has gone, without a message to send', async () => {
    const { endpoint, client, exchange } = await subscribe()
    client.close()
    await once(client.socket, 'close')
    endpoint.clock.advance(1_000)
    await expect.poll(() => exchange.signal.aborted).toBe(true)
  })

  it('is closed when 16 MiB wait for a client that does not read', async () => {
    const { exchange } = await subscribe()
    const event = { subject: 'work', name: 'x'.repeat(mib), pairs: [] }
    for (let sent = 0; sent < 20 && !exchange.signal.aborted; sent++) {
      exchange.send(event)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect.poll(() => exchange.signal.aborted).toBe(true)
  })

  it('gets a reply when it is refused before the first message', async () => {
    const endpoint = await open(async () => ok('refused'))
    expect(await call(endpoint, 'admin.Events')).toBe('0\0refused')
  })
})

describe('a connection whose client has its reply', () => {
  it('delivers a long reply whole, however long the client takes to read it', async () => {
    const endpoint = await open(() => ok('x'.repeat(8 * mib)))
    const client = await connect(endpoint)
    await client.send(header(plain))
    client.halfClose()
    await expect.poll(() => endpoint.requests).toHaveLength(1)
    endpoint.clock.advance(longTime)
    // The daemon stops: it waits for the reply to be taken.
    const settled = endpoint.running.settle(endpoint.clock, 10_000)
    endpoint.endpoint.stopListening()
    expect(await client.read()).toHaveLength(8 * mib + 2)
    expect(await settled).toBe(0)
  })

  it('waits 10 s for the client to send more or to half-close', async () => {
    const endpoint = await open(() => ok('refused'))
    const client = await connect(endpoint)
    await client.send(header(streamed))
    expect(await client.read()).toBe('0\0refused')
    for (let round = 0; round < 3; round++) {
      endpoint.clock.advance(connectionLimits.leaving - 1_000)
      await client.send('x')
      await call(endpoint, 'admin.Events')
    }
    expect(client.socket.destroyed).toBe(false)
    endpoint.clock.advance(connectionLimits.leaving + 2_000)
    await expect.poll(() => client.send('x').catch(errorText)).toMatch(/EPIPE|ECONNRESET/)
  })
})

describe('an endpoint', () => {
  it('goes on after each error of its listening socket, and writes the first one down', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen')
    const endpoint = await open(() => ok('served'))
    const server = listen.mock.contexts[0] as Server | undefined
    listen.mockRestore()
    for (let count = 0; count < 3; count++) server?.emit('error', new Error('accept EMFILE'))
    expect(endpoint.log.lines.map(({ message }) => message)).toEqual(['a connection could not be accepted'])
    expect(await call(endpoint, plain)).toBe('0\0served')
  })

  it('that stops listening closes what has not begun and what would never end, and lets calls be answered', async () => {
    const slow = Promise.withResolvers<void>()
    const endpoint = await open(async ({ send }) => {
      if (endpoint.requests.length === 1) send(connectionEstablished)
      await slow.promise
      return ok('done')
    })
    const [subscriber, arriving, answering] = [
      await connect(endpoint),
      await connect(endpoint),
      await connect(endpoint),
    ]
    for (const client of [subscriber, answering]) {
      await client.send(header(plain))
      client.halfClose()
      await expect.poll(() => endpoint.requests.length).toBe(client === subscriber ? 1 : 2)
    }
    await arriving.send('admin.')
    endpoint.endpoint.stopListening()
    expect(await arriving.read()).toBe('')
    expect(await subscriber.read()).toContain('connection-established')
    slow.resolve()
    expect(await answering.read()).toBe('0\0done')
  })

  it('refuses a socket that another daemon serves, and replaces one that a dead daemon left', async () => {
    const endpoint = await open(() => ok('first'))
    await expect(endpoint.serve(() => ok('second'))).rejects.toThrow(/Another daemon serves/)
    expect(await call(endpoint, plain)).toBe('0\0first')
  })
})
