import { vmVolumeInfo, vmVolumeResize } from '@cloister/admin-protocol'
import { required } from '../../argument.ts'
import { CliError, UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { exitStatus } from '../../exit-status.ts'
import { withVolume } from '../../missing.ts'
import { flag } from '../../option.ts'
import { formatSize, parseSize, sizeWanted } from '../../sizes.ts'
import { volumeArguments } from '../../volume-arguments.ts'

/** The size that a text names: a size, or with + before it a difference to the present size. @throws UsageError */
function targetSize(text: string, now: bigint): bigint {
  const size = parseSize(text.replace(/^\+/, ''))
  if (size === undefined) throw new UsageError(`SIZE is ${sizeWanted}, or +5G to make it 5 GiB larger, not "${text}"`)
  return text.startsWith('+') ? now + size : size
}

export const resize: Command = defineCommand({
  description: [
    'Changes the size of a volume. The domain may run: its guest is asked to make its file system larger.',
    'To make a volume smaller destroys the data beyond its new end, and needs --shrink.',
  ],
  examples: [
    ['cloister volume resize work private 20G', 'K, M, G and T stand for multiples of 1024'],
    ['cloister volume resize work private +5G', '5 GiB more than now'],
  ],
  arguments: {
    ...volumeArguments,
    size: required('SIZE', 'the new size, or + and the difference to the present size'),
  },
  options: { shrink: flag('allow the volume to become smaller') },
  async run(context, { domain, volume, size: text }, { shrink }) {
    const { output } = context
    const size = await withVolume(context, { domain, volume }, async (client, target) => {
      const { size: now } = await client.call(vmVolumeInfo, target)
      const wanted = targetSize(text, now)
      if (wanted < now && !shrink) {
        const lost = `${volume} of ${domain} has ${formatSize(now)}: data beyond ${formatSize(wanted)} would be lost`
        throw new CliError(lost, exitStatus.usage, '--shrink makes it smaller all the same')
      }
      await client.call(vmVolumeResize, { ...target, payload: wanted })
      return wanted
    })
    if (output.isJson) output.json({ domain, volume, size })
    output.done(`${volume} of ${domain} has ${formatSize(size)}`)
  },
})
