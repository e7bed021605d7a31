import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { limitPlus } from '../aims.ts'
import { adminCall, encodeRequest } from '../exchange.ts'
import { appendLimit } from '../limits.ts'
import { Listeners } from '../listeners.ts'
import { measureInTurns } from '../load.ts'
import { median } from '../statistics.ts'
import { domainName, type Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'

const subscriberCount = 100
const subscription = encodeRequest({ method: 'admin.Events' })

/** The time from a change until the last of many subscribers has its event. */
export const events: ScaledSuite = { name: 'events', measure }

/** The least work: one wait for the disk, then a message to all. */
async function measure(subject: Subject, bench: Bench): Promise<void> {
  const { report, limits, effort } = bench
  const { messages, told } = await tellRepeatedly(subject, bench)
  const [append] = await measureInTurns([limits.append()], effort)
  if (!append) return
  const row = { suite: 'events', domains: subject.domains, clients: subscriberCount, unit: 'ms' } as const
  const disk = appendLimit(append)
  const limit = { ...disk, name: `${disk.name} + tell all`, value: disk.value + messages }
  report.add({ ...row, name: 'change to the last subscriber', value: told, limit, aim: limitPlus(1) })
}

/** Median times, ms: until all clients of an echo server have a message; until all subscribers have an event. */
async function tellRepeatedly(
  { socket }: Subject,
  { limits, quick, effort }: Bench,
): Promise<{ messages: number; told: number }> {
  using subscribers = new Listeners(await connect(subscriberCount, socket, subscription))
  using listeners = new Listeners(await connect(subscriberCount, limits.fanPath))
  const [speaker] = await connect(1, limits.fanPath)
  const [messages, told]: [number[], number[]] = [[], []]
  const times = quick ? 10 : 50 * effort.rounds
  for (let number = 0; number < times; number++) {
    const about = { destination: domainName, argument: `bench-${number}` }
    const message = `message ${number}`
    messages.push(await timeToAll(listeners, message, async () => speaker?.write(message)))
    const set = { ...about, method: 'admin.vm.tag.Set' }
    told.push(await timeToAll(subscribers, `domain-tag-add:${about.argument}`, () => adminCall(socket, set)))
    await adminCall(socket, { ...about, method: 'admin.vm.tag.Remove' })
  }
  speaker?.destroy()
  return { messages: median(messages), told: median(told) }
}

/** Opens connections; each has sent its request, if there is one. */
function connect(count: number, path: string, request?: Uint8Array): Promise<Socket[]> {
  const one = async (): Promise<Socket> => {
    const socket = createConnection({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    if (request) {
      socket.end(request)
      // The first event confirms the subscription.
      await once(socket, 'readable')
    }
    return socket
  }
  return Promise.all(Array.from({ length: count }, one))
}

async function timeToAll(listeners: Listeners, text: string, tell: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  const heard = listeners.allHear(text).then(() => performance.now() - start)
  const [time] = await Promise.all([heard, tell()])
  return time
}
