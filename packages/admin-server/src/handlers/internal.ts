import {
  featuresRequest,
  getSystemInfo,
  importBegin,
  importEnd,
  notifyTools,
  notifyUpdates,
  type SystemInfoDomain,
  suspendPost,
  suspendPre,
} from '@cloister/admin-protocol'
import {
  type BaseVM,
  beginImport,
  endImport,
  findVolume,
  noteUpdates,
  requestFeatures,
  resumeHost,
  suspendHost,
} from '@cloister/core'
import { msg, ProtocolError, QubesException } from '@cloister/kit'
import { type HandledCall, handle } from '../handler.ts'

/** What the policy engine wants to know of a domain (reference: admin-api, 3.14). */
function systemInfo(vm: BaseVM): SystemInfoDomain {
  const named = (name: string): string | null => vm.get<BaseVM | null>({ name })?.name ?? null
  return {
    internal: vm.features.find('internal') ?? null,
    tags: vm.tags.list(),
    type: vm.klass,
    template_for_dispvms: vm.get({ name: 'template_for_dispvms' }) === true,
    default_dispvm: named('default_dispvm'),
    icon: vm.icon,
    label: vm.label.color,
    guivm: named('guivm'),
    relayvm: named('relayvm'),
    transport_rpc: vm.get<string | null>({ name: 'transport_rpc' }) ?? null,
    power_state: vm.powerState,
    uuid: vm.uuid,
  }
}

export const internalHandlers: readonly HandledCall[] = [
  handle(getSystemInfo, ({ app }) => ({
    domains: Object.fromEntries(app.domains.sorted().map((vm) => [vm.name, systemInfo(vm)])),
  })),
  handle(importBegin, ({ destination, argument, payload }) => {
    // The program that asks was written against this: an unknown volume is its own mistake.
    if (!destination.storage?.names().includes(argument))
      throw new ProtocolError(msg`${destination.name} has no volume ${argument}`)
    return beginImport(findVolume(destination, argument), payload)
  }),
  handle(importEnd, async ({ destination, argument, payload }) => {
    await endImport(findVolume(destination, argument), payload === undefined)
    if (payload !== undefined) throw new QubesException(msg`Data import failed: ${payload}`)
    return undefined
  }),
  handle(suspendPre, async ({ app }) => {
    await suspendHost(app)
    return undefined
  }),
  handle(suspendPost, async ({ app }) => {
    await resumeHost(app)
    return undefined
  }),
  handle(featuresRequest, async ({ source }) => {
    await requestFeatures(source, '/features-request/')
    return undefined
  }),
  handle(notifyTools, async ({ source }) => {
    await requestFeatures(source, '/qubes-tools/')
    return undefined
  }),
  handle(notifyUpdates, async ({ source, payload }) => {
    await noteUpdates(source, payload)
    return undefined
  }),
]
