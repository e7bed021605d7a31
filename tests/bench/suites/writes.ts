import { type Aim, atLeast, limitPlus } from '../aims.ts'
import { adminCall } from '../exchange.ts'
import { appendLimit, echoLimit } from '../limits.ts'
import { type Load, measureInTurns } from '../load.ts'
import { figure } from '../report.ts'
import type { Subject } from '../subject.ts'
import type { Bench, ScaledSuite } from '../suite.ts'

interface Write {
  readonly name: string
  /** The call of a client on its domain. */
  readonly call: (socket: string, destination: string, number: number, client: number) => Promise<void>
  readonly aim?: (clients: number) => Aim | undefined
}

const fewestMib = 400
const values = 100

const calls: readonly Write[] = [
  {
    name: 'admin.vm.property.Set',
    aim: (clients) => (clients === 1 ? limitPlus(0.3) : clients === 64 ? atLeast(10_000) : undefined),
    call: async (socket, destination, number) => {
      const payload = String(fewestMib + (number % values))
      await adminCall(socket, { method: 'admin.vm.property.Set', destination, argument: 'memory', payload })
    },
  },
  {
    name: 'admin.vm.feature.Set',
    call: async (socket, destination, number) => {
      const payload = `value-${number}`
      await adminCall(socket, { method: 'admin.vm.feature.Set', destination, argument: 'bench', payload })
    },
  },
  {
    name: 'admin.vm.tag.Set, tag.Remove',
    call: async (socket, destination, _number, client) => {
      const about = { destination, argument: `bench-${client}` }
      await adminCall(socket, { method: 'admin.vm.tag.Set', ...about })
      await adminCall(socket, { method: 'admin.vm.tag.Remove', ...about })
    },
  },
]

/** Calls that change the state, and are answered when the change is durable. */
export const writes: ScaledSuite = { name: 'writes', measure }

async function measure(subject: Subject, { report, limits, effort, clients: counts }: Bench): Promise<void> {
  for (const clients of counts) {
    const limit = clients === 1 ? limits.append() : limits.echo(clients)
    const loads = calls.map((write) => loadOf(write, subject, clients))
    const [floor, ...samples] = await measureInTurns([limit, ...loads], effort)
    for (const [index, sample] of samples.entries()) {
      const { name = '', aim } = calls[index] ?? {}
      report.add({
        suite: 'writes',
        name,
        domains: subject.domains,
        ...figure(sample, clients),
        limit: floor && (clients === 1 ? appendLimit(floor) : echoLimit(floor, clients)),
        aim: aim?.(clients),
      })
    }
  }
}

function loadOf({ name, call }: Write, subject: Subject, clients: number): Load {
  return {
    name,
    clients,
    call: (number, client) => call(subject.socket, subject.domainOf(client), number, client),
  }
}
