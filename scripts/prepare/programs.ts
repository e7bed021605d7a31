import { isStatic } from './elf.ts'
import { OnlyTheUserError, type Report, type Step, type Tools } from './step.ts'

/** Commands that can be prepared for. */
export const profiles = ['demo', 'test', 'bench'] as const
export type Profile = (typeof profiles)[number]

interface Program {
  readonly name: string
  /** Package of Debian and Ubuntu that holds it. */
  readonly package: string
  /** Who needs it, if not all. */
  readonly profiles?: readonly Profile[]
  /** What the program must be beyond being there. */
  readonly usable?: (path: string) => Promise<boolean>
}

const qemuPackages: Readonly<Record<string, readonly [name: string, packageName: string]>> = {
  x64: ['qemu-system-x86_64', 'qemu-system-x86'],
  arm64: ['qemu-system-aarch64', 'qemu-system-arm'],
}
const [qemu, qemuPackage] = qemuPackages[process.arch] ?? [`qemu-system-${process.arch}`, 'qemu-system']

const programs: readonly Program[] = [
  { name: qemu, package: qemuPackage },
  { name: 'qemu-img', package: 'qemu-utils' },
  { name: 'busybox', package: 'busybox-static', usable: isStatic },
  { name: 'mkfs.ext4', package: 'e2fsprogs' },
  { name: 'xz', package: 'xz-utils' },
  { name: 'mkfs.btrfs', package: 'btrfs-progs', profiles: ['test', 'bench'] },
  { name: 'mkfs.xfs', package: 'xfsprogs', profiles: ['test', 'bench'] },
  { name: 'mount', package: 'mount', profiles: ['test', 'bench'] },
  { name: 'losetup', package: 'mount', profiles: ['test', 'bench'] },
]

/** The system's programs that a profile needs, installed if we may. */
export class ProgramsStep implements Step {
  readonly name: string = 'system packages'
  readonly #programs: readonly Program[]
  readonly #tools: Tools

  constructor(profile: Profile, tools: Tools) {
    this.#programs = programs.filter(({ profiles }) => profiles?.includes(profile) ?? true)
    this.#tools = tools
  }

  async ready(): Promise<boolean> {
    return (await this.#missing()).length === 0
  }

  async make(report: Report): Promise<void> {
    const { apt, distribution } = this.#tools
    const missing = await this.#missing()
    const packages = [...new Set(missing.map((program) => program.package))]
    if (distribution === 'other') {
      const names = missing.map(({ name }) => name).join(', ')
      throw new OnlyTheUserError(
        `Programs are missing: ${names}. Install them with the package manager of your system.`,
      )
    }
    if (!apt.mayInstall) {
      throw new OnlyTheUserError(
        `System packages are missing. Install them with:\n\n  ${apt.installCommand(packages)}\n`,
      )
    }
    await apt.install(packages, report)
  }

  async #missing(): Promise<Program[]> {
    const usable = await Promise.all(this.#programs.map((program) => this.#isUsable(program)))
    return this.#programs.filter((_, index) => !usable[index])
  }

  async #isUsable({ name, usable }: Program): Promise<boolean> {
    const path = await this.#tools.processes.find(name)
    return path !== undefined && (usable === undefined || (await usable(path)))
  }
}
