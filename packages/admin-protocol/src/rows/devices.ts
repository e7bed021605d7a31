import { type CallRow, type Dialect, globalWrite, localRead, localWrite } from '../call-row.ts'
import { noReply, nothing, optional, type Presence, reply, unread } from '../codec.ts'
import { lines, matching } from '../text-forms.ts'
import { type DeniedInterfaces, deniedInterfaces, interfaceCodes, joinedInterfaces } from '../values/interface-codes.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.9 and 12; mgmt-dialect. `<class>` is a class of devices.

/** Classes of devices whose calls are known. */
const variants = ['block', 'mic', 'pci', 'usb', 'webcam'] as const

const port = optional(matching('<port>', /^[A-Za-z0-9._-]+$/))
const device = optional(matching('<backend>+<port>', /^[!-~]+$/))
const devices = reply(lines(matching('<device>', /^[ -~]+$/)))
const list: Dialect<string | undefined, undefined, readonly string[]> = {
  argument: device,
  payload: nothing,
  reply: devices,
}

type UnreadRow = CallRow<undefined, undefined, undefined>

/** A call whose argument and payload are not looked into. */
function change(payload: Presence): Dialect<undefined, undefined, undefined> {
  return {
    argument: unread('required', '<backend>+<port>'),
    payload: payload === 'none' ? nothing : unread(payload, '<property>=<value>…'),
    reply: noReply,
  }
}

export const vmDeviceAvailable: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.device.<class>.Available',
  summary: 'Lists the devices that a domain offers to others.',
  variants,
  admin: { argument: port, payload: nothing, reply: devices },
  mgmt: { argument: port, payload: nothing, reply: devices },
}

export const vmDeviceAttached: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.device.<class>.Attached',
  summary: 'Lists the devices that a domain has now.',
  variants,
  admin: list,
}

export const vmDeviceAssigned: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.device.<class>.Assigned',
  summary: 'Lists the devices that are configured for a domain.',
  variants,
  admin: list,
}

export const vmDeviceList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.device.<class>.List',
  summary: 'Lists the devices that a domain has or that are configured for it.',
  destination: 'domain',
  variants,
  mgmt: list,
}

export const vmDeviceAttach: UnreadRow = {
  ...localWrite,
  key: 'vm.device.<class>.Attach',
  summary: 'Attaches a device to a running domain.',
  variants,
  admin: change('optional'),
  mgmt: { ...change('optional'), destination: 'domain' },
}

export const vmDeviceDetach: UnreadRow = {
  ...localWrite,
  key: 'vm.device.<class>.Detach',
  summary: 'Detaches a device from a domain.',
  variants,
  admin: change('none'),
  mgmt: { ...change('none'), destination: 'domain' },
}

export const vmDeviceAssign: UnreadRow = {
  ...localWrite,
  key: 'vm.device.<class>.Assign',
  summary: 'Configures a device for a domain.',
  variants,
  admin: change('required'),
}

export const vmDeviceUnassign: UnreadRow = {
  ...localWrite,
  key: 'vm.device.<class>.Unassign',
  summary: 'Ends the configuration of a device for a domain.',
  variants,
  admin: change('none'),
}

export const vmDeviceSetAssignment: UnreadRow = {
  ...localWrite,
  key: 'vm.device.<class>.Set.assignment',
  summary: 'Sets when a configured device is attached.',
  variants,
  admin: change('required'),
}

export const vmDeviceDeniedList: CallRow<undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.device.denied.List',
  summary: 'Lists the interfaces of devices that a domain must not get.',
  admin: { argument: nothing, payload: nothing, reply: reply(interfaceCodes) },
}

export const vmDeviceDeniedAdd: CallRow<undefined, readonly string[], undefined> = {
  ...localWrite,
  key: 'vm.device.denied.Add',
  summary: 'Denies a domain devices with certain interfaces.',
  admin: { argument: nothing, payload: joinedInterfaces, reply: noReply },
}

export const vmDeviceDeniedRemove: CallRow<undefined, DeniedInterfaces, undefined> = {
  ...localWrite,
  key: 'vm.device.denied.Remove',
  summary: 'Allows a domain devices with interfaces that were denied.',
  admin: { argument: nothing, payload: deniedInterfaces, reply: noReply },
}

export const vmMicrophoneAttach: UnreadRow = {
  ...globalWrite,
  scope: 'local',
  destination: 'domain',
  key: 'vm.microphone.Attach',
  summary: 'Attaches the microphone of the admin domain.',
  mgmt: { argument: nothing, payload: nothing, reply: noReply },
}

export const vmMicrophoneDetach: UnreadRow = {
  ...vmMicrophoneAttach,
  key: 'vm.microphone.Detach',
  summary: 'Detaches the microphone of the admin domain.',
}
