import type { Processes } from '@cloister/os'
import { runVisibly } from './run-visibly.ts'

/** Fetches the lists of packages. When one cannot be fetched, the packages may be in the others. */
export async function updateLists(): Promise<void> {
  await runVisibly(['apt-get', 'update', '-q']).catch((error: Error) => console.log(error.message))
}

/** Names of the packages that a package depends on; empty for an unknown package. */
export async function dependencies(name: string, processes: Processes): Promise<string[]> {
  const { stdout } = await processes.run(['apt-cache', 'depends', '--important', name]).catch(() => ({ stdout: '' }))
  return dependencyNames(Buffer.from(stdout).toString())
}

/** Downloads packages into a folder. */
export async function download(packages: readonly string[], folder: string): Promise<void> {
  // By default apt-get downloads as the user `_apt`, who may not write to the folder.
  await runVisibly(['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', ...packages], folder)
}

/** The packages that the output of `apt-cache depends` names as dependencies. */
export function dependencyNames(output: string): string[] {
  return [...output.matchAll(/^ [ |](?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]*)$/gm)].map(([, name]) => name as string)
}
