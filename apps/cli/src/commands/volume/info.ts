import { vmVolumeInfo, vmVolumeListSnapshots } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { withVolume } from '../../missing.ts'
import { printRecord } from '../../record-output.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const info: Command = defineCommand({
  description: ['Shows all about a volume, its revisions from the oldest to the latest among it.'],
  examples: [['cloister volume info work private', 'where it is, how large, what it can be reverted to']],
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
