import {
  vmDeviceAssigned,
  vmDeviceAttached,
  vmDeviceAvailable,
  vmDeviceDeniedAdd,
  vmDeviceDeniedList,
  vmDeviceDeniedRemove,
  vmDeviceList,
} from '@cloister/admin-protocol'
import { type BaseVM, setProperty } from '@cloister/core'
import { type HandledCall, handle } from '../handler.ts'

const property = 'devices_denied'
/** Characters of an interface of a device. */
const codeLength = 7

/** The interfaces that are denied, in order; the property has them one after the other. */
function denied(vm: BaseVM): string[] {
  const descriptor = vm.property(property)
  const text = descriptor.format(vm.get(descriptor) ?? '')
  return Array.from({ length: text.length / codeLength }, (_, at) =>
    text.slice(at * codeLength, (at + 1) * codeLength),
  ).sort()
}

/** No domain offers devices yet, so that none can have any: clients that copy or show devices find nothing to do. */
const noDevices = (): readonly string[] => []

export const deviceHandlers: readonly HandledCall[] = [
  handle(vmDeviceAvailable, noDevices),
  handle(vmDeviceAttached, noDevices),
  handle(vmDeviceAssigned, noDevices),
  handle(vmDeviceList, noDevices),
  handle(vmDeviceDeniedList, ({ destination }) => denied(destination)),
  // The property is set, and its events are fired, also when nothing changes (reference: transcript events-config).
  handle(vmDeviceDeniedAdd, async ({ destination, payload }) => {
    await setProperty(destination, property, [...new Set([...denied(destination), ...payload])].join(''))
    return undefined
  }),
  handle(vmDeviceDeniedRemove, async ({ destination, payload }) => {
    const kept = payload === 'all' ? [] : denied(destination).filter((code) => !payload.includes(code))
    await setProperty(destination, property, kept.join(''))
    return undefined
  }),
]
