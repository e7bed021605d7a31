import { type Problem, problemList } from '@cloister/admin-protocol'
import { AdminVM, type BaseVM, problems } from '@cloister/core'
import { type Call, type HandledCall, handle } from '../handler.ts'

/** Domains are told of the domains that they see; other problems, whose reasons name places on the host, are for the admin domain. */
function isFor({ app, access, source }: Call<undefined, undefined>, { kind, name }: Problem): boolean {
  if (kind !== 'domain') return source instanceof AdminVM
  const vm: BaseVM | undefined = app.domains.find(name)
  return vm !== undefined && access.seesDomain(source, vm)
}

export const problemHandlers: readonly HandledCall[] = [
  handle(problemList, async (call) => (await problems(call.app)).filter((problem) => isFor(call, problem))),
]
