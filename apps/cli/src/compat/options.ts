import { CliError } from '../cli-error.ts'
import type { OptionSpec } from '../command.ts'
import { exitStatus } from '../exit-status.ts'
import { flag, text } from '../option.ts'

/** What can be said about installing and removing alike. */
export const compatOptions: { readonly root: OptionSpec<string | undefined>; readonly dryRun: OptionSpec<boolean> } = {
  root: text('DIR', 'the system below this folder instead of this one', { complete: 'folder' }),
  dryRun: flag('only say what would be done'),
}

/** @throws CliError for this system and another user than root */
export function requireRoot(root: string): void {
  if (root === '/' && process.getuid?.() !== 0) {
    throw new CliError('only root can change the system', exitStatus.denied, 'use sudo, or --root for another folder')
  }
}
