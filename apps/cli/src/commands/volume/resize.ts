import { vmVolumeInfo, vmVolumeResize } from '@cloister/admin-protocol'
import { required } from '../../argument.ts'
import { CliError, UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { exitStatus } from '../../exit-status.ts'
import { withVolume } from '../../missing.ts'
import { flag } from '../../option.ts'
import { formatSize, parseSize, sizeWanted } from '../../sizes.ts'
import { volumeArguments } from '../../volume-arguments.ts'

/** A size, or by how much to grow: `+5G`. @throws UsageError */
function targetSize(text: string, now: bigint): bigint {
  const size = parseSize(text.replace(/^\+/, ''))
  if (size === undefined) throw new UsageError(`SIZE is ${sizeWanted}, or +5G to grow by so much, not "${text}"`)
  return text.startsWith('+') ? now + size : size
}

export const resize: Command = defineCommand({
  description: [
    'Changes the size of a volume, also of a domain that runs: its guest is asked to grow the file system.',
    'To make a volume smaller destroys what lies beyond its new end: that wants --shrink.',
  ],
  examples: [
    ['cloister volume resize work private 20G', 'K, M, G and T stand for multiples of 1024'],
    ['cloister volume resize work private +5G', 'five more than now'],
  ],
  arguments: { ...volumeArguments, size: required('SIZE', 'the new size, or + and by how much to grow') },
  options: { shrink: flag('also make it smaller') },
  async run(context, { domain, volume, size: text }, { shrink }) {
    const { output } = context
    const size = await withVolume(context, { domain, volume }, async (client, target) => {
      const { size: now } = await client.call(vmVolumeInfo, target)
      const wanted = targetSize(text, now)
      if (wanted < now && !shrink) {
        const lost = `${volume} of ${domain} has ${formatSize(now)}: what lies beyond ${formatSize(wanted)} would be lost`
        throw new CliError(lost, exitStatus.usage, 'say --shrink if you mean it')
      }
      await client.call(vmVolumeResize, { ...target, payload: wanted })
      return wanted
    })
    if (output.isJson) output.json({ domain, volume, size })
    output.done(`${volume} of ${domain} has ${formatSize(size)}`)
  },
})
