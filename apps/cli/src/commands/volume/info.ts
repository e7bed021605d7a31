import { vmVolumeInfo, vmVolumeListSnapshots } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { withVolume } from '../../missing.ts'
import { printRecord } from '../../record-output.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const info: Command = defineCommand({
  description: ['Shows the details of a volume, with its revisions from the oldest to the latest.'],
  examples: [['cloister volume info work private', 'its pool, its size, its revisions']],
  arguments: volumeArguments,
  options: {},
  async run(context, named) {
    const [volume, revisions] = await withVolume(context, named, (client, target) =>
      Promise.all([client.call(vmVolumeInfo, target), client.call(vmVolumeListSnapshots, target)]),
    )
    const record = {
      pool: volume.pool,
      vid: volume.vid,
      size: volume.size,
      usage: volume.usage,
      rw: volume.rw,
      source: volume.source ?? null,
      path: volume.path ?? null,
      save_on_stop: volume.saveOnStop,
      snap_on_start: volume.snapOnStart,
      revisions_to_keep: volume.revisionsToKeep ?? null,
      ephemeral: volume.ephemeral ?? null,
      is_outdated: volume.isOutdated ?? null,
      revisions,
    }
    printRecord(context.output, record, new Set(['size', 'usage']))
  },
})
