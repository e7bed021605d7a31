import { required } from '../argument.ts'
import { UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { completionScripts, shells } from '../completion/scripts.ts'

export const completion: Command = defineCommand({
  description: [
    'Prints the completion script of a shell. It completes commands, options, and the names of domains, templates, labels, pools, properties and volumes.',
  ],
  examples: [
    ['source <(cloister completion bash)', 'in this bash; the same line in ~/.bashrc for every bash'],
    ['cloister completion zsh >/usr/local/share/zsh/site-functions/_cloister', 'for every zsh'],
    ['cloister completion fish >~/.config/fish/completions/cloister.fish', 'for every fish'],
  ],
  arguments: { shell: required('SHELL', shells.join(', '), shells) },
  options: {},
  async run({ output }, { shell }) {
    const known = shells.find((name) => name === shell)
    if (known === undefined)
      throw new UsageError(`there is no completion for ${shell}`, `there is for ${shells.join(', ')}`)
    output.line(completionScripts[known].trimEnd())
  },
})
