import type { Processes } from '@cloister/os'
import { runVisibly } from './run-visibly.ts'
import type { Report } from './step.ts'

/** Waits for another `apt-get` of the machine, such as the nightly one, instead of failing. */
const patience = ['-o', 'DPkg::Lock::Timeout=600']

/** Debian's package manager. */
export class Apt {
  readonly #processes: Processes
  #updated = false

  constructor(processes: Processes) {
    this.#processes = processes
  }

  /** True when we may change the machine. */
  get mayInstall(): boolean {
    return process.getuid?.() === 0
  }

  /** The command by which a user installs packages. */
  installCommand(packages: readonly string[]): string {
    return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
  }

  async install(packages: readonly string[], report: Report): Promise<void> {
    await this.update(report)
    await runVisibly(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...patience, ...packages], report)
  }

  /** Fetches the lists of packages, once, if we may. One list that cannot be had is no reason to stop. */
  async update(report: Report): Promise<void> {
    if (this.#updated || !this.mayInstall) return
    this.#updated = true
    await runVisibly(['apt-get', 'update', '-q', ...patience], report).catch((error: Error) => report(error.message))
  }

  /** Names of the packages that a package needs; empty when it is not known. */
  async dependencies(name: string): Promise<string[]> {
    const { stdout } = await this.#processes.run(['apt-cache', 'depends', '--important', name])
    return dependencyNames(Buffer.from(stdout).toString())
  }

  /** Puts the files of packages into a folder. */
  async download(packages: readonly string[], folder: string, report: Report): Promise<void> {
    // The user `_apt` of the sandbox may not write to our folders.
    await runVisibly(['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', ...packages], report, folder)
  }
}

/** What the output of `apt-cache depends` names as needed. */
export function dependencyNames(output: string): string[] {
  return [...output.matchAll(/^ [ |](?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]*)$/gm)].map(([, name]) => name as string)
}
