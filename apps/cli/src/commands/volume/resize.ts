import { vmVolumeInfo, vmVolumeResize } from '@cloister/admin-protocol'
import { required } from '../../argument.ts'
import { CliError, UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { connect } from '../../connect.ts'
import { exitStatus } from '../../exit-status.ts'
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
  async run(context, { domain: dest, volume: argument, size: text }, { shrink }) {
    const { output } = context
    const client = await connect(context)
    const { size: now } = await client.call(vmVolumeInfo, { dest, argument })
    const size = targetSize(text, now)
    if (size < now && !shrink) {
      const lost = `${argument} of ${dest} has ${formatSize(now)}: what lies beyond ${formatSize(size)} would be lost`
      throw new CliError(lost, exitStatus.usage, 'say --shrink if you mean it')
    }
    await client.call(vmVolumeResize, { dest, argument, payload: size })
    if (output.isJson) output.json({ domain: dest, volume: argument, size })
    output.done(`${argument} of ${dest} has ${formatSize(size)}`)
  },
})
