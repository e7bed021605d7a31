import { type Aim, atLeast, atMost, timesLimit } from '../aims.ts'
import { type AdminRequest, encodeRequest, exchange, okContent } from '../exchange.ts'
import { echoLimit } from '../limits.ts'
import { type Load, measureInTurns } from '../load.ts'
import { figure } from '../report.ts'
import { domainName, type Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'

interface Read extends AdminRequest {
  /** The aim for these numbers of clients and domains. */
  readonly aim?: (clients: number, domains: number) => Aim | undefined
}

const about = { destination: domainName } as const

const calls: readonly Read[] = [
  {
    method: 'admin.vm.List',
    aim: (clients, domains) => (clients === 1 ? atMost(domains <= 1000 ? 0.5 : 2) : undefined),
  },
  {
    method: 'admin.vm.property.Get',
    ...about,
    argument: 'memory',
    aim: (clients) => (clients === 1 ? timesLimit(1.5) : clients === 64 ? atLeast(15_000) : undefined),
  },
  {
    method: 'admin.vm.property.GetAll',
    ...about,
    aim: (clients) => (clients === 1 ? atMost(0.4) : undefined),
  },
  { method: 'admin.vm.feature.List', ...about },
  { method: 'admin.vm.tag.List', ...about },
  { method: 'admin.vm.volume.Info', ...about, argument: 'private' },
]

/** Calls that change nothing. */
export const reads: ScaledSuite = { name: 'reads', measure }

async function measure(subject: Subject, { report, limits, effort, clients: counts }: Bench): Promise<void> {
  const { domains } = subject
  for (const clients of counts) {
    const loads = calls.map((read) => loadOf(read, subject.socket, clients))
    const [echo, ...samples] = await measureInTurns([limits.echo(clients), ...loads], effort)
    for (const [index, sample] of samples.entries()) {
      const { method: name = '', aim } = calls[index] ?? {}
      const limit = echo && echoLimit(echo, clients)
      report.add({ suite: 'reads', name, domains, ...figure(sample, clients), limit, aim: aim?.(clients, domains) })
    }
  }
}

function loadOf(read: Read, socket: string, clients: number): Load {
  const request = encodeRequest(read)
  const call = async (): Promise<void> => {
    okContent(await exchange(socket, request), read.method)
  }
  return { name: read.method, clients, call }
}
