import type { Processes } from '@cloister/os'
import { runVisibly } from './run-visibly.ts'

/** Fetches the lists of packages. One that cannot be had is no reason to stop: the others may do. */
export async function updateLists(): Promise<void> {
  await runVisibly(['apt-get', 'update', '-q']).catch((error: Error) => console.log(error.message))
}

/** Names of the packages that a package needs; empty when it is not known. */
export async function dependencies(name: string, processes: Processes): Promise<string[]> {
  const { stdout } = await processes.run(['apt-cache', 'depends', '--important', name]).catch(() => ({ stdout: '' }))
  return dependencyNames(Buffer.from(stdout).toString())
}

/** Puts the files of packages into a folder. */
export async function download(packages: readonly string[], folder: string): Promise<void> {
  // The user `_apt`, as whom apt-get likes to download, may not write to our folders.
  await runVisibly(['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', ...packages], folder)
}

/** What the output of `apt-cache depends` names as needed. */
export function dependencyNames(output: string): string[] {
  return [...output.matchAll(/^ [ |](?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]*)$/gm)].map(([, name]) => name as string)
}
