import {
  featuresRequest,
  getSystemInfo,
  importBegin,
  importEnd,
  notifyTools,
  notifyUpdates,
  suspendPost,
  suspendPre,
} from '@cloister/admin-protocol'
import { beginImport, endImport, findVolume, noteUpdates, requestFeatures, systemInfo } from '@cloister/core'
import { msg, ProtocolError, QubesException } from '@cloister/kit'
import { type HandledCall, handle } from '../handler.ts'

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
