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
  systemInfo,
} from '@cloister/core'
import { msg, ProtocolError, QubesException } from '@cloister/kit'
import { type HandledCall, handle, orBroken } from '../handler.ts'

/** What can be told of a domain that cannot be read in full: nothing that a policy could take for a permission. */
function brokenInfo({ klass, uuid }: BaseVM): SystemInfoDomain {
  return {
    internal: null,
    tags: [],
    type: klass,
    template_for_dispvms: false,
    default_dispvm: null,
    icon: '',
    label: '0x000000',
    guivm: null,
    relayvm: null,
    transport_rpc: null,
    power_state: 'NA',
    uuid,
  }
}

export const internalHandlers: readonly HandledCall[] = [
  handle(getSystemInfo, ({ app, access, source }) => {
    const domains = app.domains.sorted().filter((vm) => access.seesDomain(source, vm))
    const info = (vm: BaseVM): SystemInfoDomain => orBroken(app, vm.name, () => systemInfo(vm), brokenInfo(vm))
    return { domains: Object.fromEntries(domains.map((vm) => [vm.name, info(vm)])) }
  }),
  handle(importBegin, ({ destination, argument, payload }) => {
    // Programs that import test for this type: an unknown volume is a mistake of the program.
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
    await app.hostSleep.suspend()
    return undefined
  }),
  handle(suspendPost, async ({ app }) => {
    await app.hostSleep.resume()
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
