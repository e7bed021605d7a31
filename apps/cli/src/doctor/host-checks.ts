import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { utf8Text } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { version } from '../version.ts'
import type { Check, Finding, Patient } from './finding.ts'

type Found = Promise<readonly Omit<Finding, 'check'>[]>

const kvm = '/dev/kvm'
const bootId = '/proc/sys/kernel/random/boot_id'
/** Bytes of a small file at most. */
const smallFile = 1 << 16
const architectures: ReadonlyMap<string, string> = new Map([
  ['x64', 'x86_64'],
  ['arm64', 'aarch64'],
])

async function readText(os: Os, path: string): Promise<string | undefined> {
  return os.files.read(path, smallFile).then(utf8Text, () => undefined)
}

async function versions(): Found {
  return [{ level: 'ok', detail: `cloister ${version}, Node ${process.versions.node}` }]
}

async function program(os: Os, name: string, missing: Omit<Finding, 'check' | 'detail'>): Found {
  const path = await os.processes.find(name)
  if (path === undefined) return [{ ...missing, detail: `there is no program ${name}` }]
  const { stdout } = await os.processes.run([path, '--version'])
  const [first = ''] = (utf8Text(stdout) ?? '').split('\n')
  return [{ level: 'ok', detail: `${path}: ${first.replace(/ (emulator )?version/, '').replace(/ *Copyright.*/, '')}` }]
}

async function emulator({ os }: Patient): Found {
  const name = `qemu-system-${architectures.get(process.arch) ?? process.arch}`
  const hint = 'install QEMU (Debian and Ubuntu: apt install qemu-system-x86; Fedora: dnf install qemu-kvm)'
  return await program(os, name, { level: 'failure', hint })
}

async function images({ os }: Patient): Found {
  const hint = 'install it (Debian and Ubuntu: apt install qemu-utils; Fedora: dnf install qemu-img)'
  return await program(os, 'qemu-img', { level: 'failure', hint })
}

/** Whether a guest of cloisterd booted under KVM; undefined when it has not tried, or this user may not read the result. */
async function probed(os: Os, socket: string): Promise<boolean | undefined> {
  const text = await readText(os, join(dirname(socket), 'qemu', 'kvm-probe.json'))
  const boot = (await readText(os, bootId))?.trim()
  if (text === undefined || boot === undefined || !text.includes(boot)) return undefined
  return /"usable":\s*(true|false)/.exec(text)?.[1] === 'true'
}

async function acceleration({ os, socket }: Patient): Found {
  const slow = 'guests are emulated, which is slow'
  if ((await os.files.stat(kvm)) === undefined) {
    const hint =
      'enable virtualisation in the firmware or, where this host is a virtual machine, nested virtualisation on its own host'
    return [{ level: 'warning', detail: `there is no ${kvm}: ${slow}`, hint }]
  }
  const usable = await probed(os, socket)
  if (usable === true) return [{ level: 'ok', detail: 'guests run under KVM' }]
  if (usable === false) {
    return [
      {
        level: 'warning',
        detail: `cloisterd could not boot a guest under KVM: ${slow}`,
        hint: 'the log of cloisterd says why',
      },
    ]
  }
  try {
    await access(kvm, constants.R_OK | constants.W_OK)
    return [{ level: 'ok', detail: `${kvm} can be opened; cloisterd boots a guest to see whether it works` }]
  } catch {
    const detail = `this user may not open ${kvm}: a daemon of this user's would emulate guests, which is slow`
    return [{ level: 'warning', detail, hint: 'add the user to the group kvm, and log in again' }]
  }
}

/** Checks control groups of version 1, which have a tree for each controller. */
async function olderControlGroups(os: Os, wanted: readonly string[]): Found {
  const mounted = await Promise.all(wanted.map((name) => os.files.stat(`/sys/fs/cgroup/${name}`)))
  const missing = wanted.filter((_, at) => mounted[at] === undefined)
  if (missing.length === 0) return [{ level: 'ok', detail: `version 1, with ${wanted.join(', ')}` }]
  const hint = 'guests run without these limits; a system with systemd mounts them'
  return [{ level: 'warning', detail: `there is no control group for ${missing.join(', ')}`, hint }]
}

async function controlGroups({ os }: Patient): Found {
  const controllers = await readText(os, '/sys/fs/cgroup/cgroup.controllers')
  const wanted = ['cpu', 'memory', 'pids']
  if (controllers === undefined) return await olderControlGroups(os, wanted)
  const missing = wanted.filter((name) => !controllers.trim().split(' ').includes(name))
  if (missing.length === 0) return [{ level: 'ok', detail: `version 2, with ${wanted.join(', ')}` }]
  return [
    {
      level: 'warning',
      detail: `this host has no control of ${missing.join(', ')}`,
      hint: 'guests run without these limits; a kernel parameter such as cgroup_enable=memory may switch them on',
    },
  ]
}

/** Checks that do not need the daemon. */
export const hostChecks: readonly Check[] = [
  { name: 'versions', needsDaemon: false, look: versions },
  { name: 'qemu', needsDaemon: false, look: emulator },
  { name: 'qemu-img', needsDaemon: false, look: images },
  { name: 'kvm', needsDaemon: false, look: acceleration },
  { name: 'cgroups', needsDaemon: false, look: controlGroups },
]
