import { CliError } from '../cli-error.ts'
import type { OptionSpec } from '../command.ts'
import { exitStatus } from '../exit-status.ts'
import { flag, text } from '../option.ts'

/** Options of installing and of removing. */
export const compatOptions: { readonly root: OptionSpec<string | undefined>; readonly dryRun: OptionSpec<boolean> } = {
  root: text('DIR', 'the system below this folder instead of this one', { complete: 'folder' }),
  dryRun: flag('only print what would be done'),
}

/** @throws CliError for a user other than root who would change the system that runs */
export function requireRoot(root: string): void {
  if (root === '/' && process.getuid?.() !== 0) {
    throw new CliError('only root can change the system', exitStatus.denied, 'use sudo, or --root for another folder')
  }
}
