import { msg, QubesValueError } from '@cloister/kit'
import type { BaseVM } from '../domains/base-vm.ts'
import type { StateStore } from '../state/state-store.ts'
import type { VolumeRecord } from '../storage/volume-record.ts'
import { eachRow } from './stored-rows.ts'

/** Loads a part of a domain; an error of `load` is noted as damage of the domain. */
export type LoadPart = (vm: BaseVM, part: string, load: () => void) => void

interface StoredVolume {
  readonly vm: BaseVM
  readonly name: string
  readonly record: VolumeRecord
}

/** Sorts sources before their snapshots; a volume with a source is never the source of another volume. */
export async function loadVolumes(
  store: StateStore,
  domainOf: (qid: number, table: string) => BaseVM,
  loadPart: LoadPart,
): Promise<void> {
  const snapshots: StoredVolume[] = []
  const owners = new Map<string, BaseVM>()
  const load = ({ vm, name, record }: StoredVolume): void =>
    loadPart(vm, `volume ${name}`, () => {
      refuseShared(owners, vm, record)
      vm.storage?.load(record)
    })
  await eachRow(store, 'volumes', ([qid, name, config]) => {
    const vm = domainOf(qid, 'volumes')
    loadPart(vm, `volume ${name}`, () => {
      const record = parseRecord(vm, name, config)
      if (record['source'] === undefined) load({ vm, name, record })
      else snapshots.push({ vm, name, record })
    })
  })
  for (const snapshot of snapshots) load(snapshot)
}

/** @throws QubesValueError unless the text is an object of texts, as JSON, about the volume of that name */
function parseRecord(vm: BaseVM, name: string, config: string): VolumeRecord {
  let record: unknown
  try {
    record = JSON.parse(config)
  } catch (cause) {
    throw new QubesValueError(msg`its stored description is not JSON`, { cause })
  }
  const isRecord = typeof record === 'object' && record && Object.values(record).every((one) => typeof one === 'string')
  if (!isRecord) throw new QubesValueError(msg`its stored description is not an object of texts`)
  const fields = record as VolumeRecord
  if (fields['name'] !== name) throw new QubesValueError(msg`it is stored under another name, ${fields['name'] ?? ''}`)
  if (!vm.storage) throw new QubesValueError(msg`a domain of the class ${vm.klass} has no volumes`)
  return fields
}

/** Two domains must never write to one image: both are damaged then. */
function refuseShared(owners: Map<string, BaseVM>, vm: BaseVM, record: VolumeRecord): void {
  const place = `${record['vid']} in the pool ${record['pool']}`
  const other = owners.get(place)
  owners.set(place, vm)
  if (!other) return
  other.damage.note(`volume ${record['name']}`, `${vm.name} has the same image, ${place}`)
  throw new QubesValueError(msg`${other.name} has the same image, ${place}`)
}
