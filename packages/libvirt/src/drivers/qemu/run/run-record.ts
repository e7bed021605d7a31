import { Mutex, utf8, utf8Text } from '@cloister/kit'
import { type Files, type ProcessIdentity, removeDurably, writeDurably } from '@cloister/os'
import { parseUuid } from '../../../uuid.ts'
import { isObject, type JsonObject, object, text, wholeNumber } from '../qmp/qmp-message.ts'

/**
 * What the next daemon must know of a run. The record is written before QEMU is started (without `process`) and once more
 * when QEMU is ready; it is removed when all files of the run are removed.
 */
export interface RunRecord {
  /** Boot of the host in which the run began: no process outlives it. */
  readonly bootId: string
  readonly uuid: string
  readonly id: number
  /** User that QEMU runs as, unless QEMU runs as we do. */
  readonly uid?: number
  readonly process?: ProcessIdentity
  /** Whether the start was to leave the guest paused. */
  readonly paused: boolean
  /** Domain XML that the run was started from. */
  readonly live: string
  /** Domain XML of the next start, when the domain is persistent. */
  readonly stored?: string
  /** Folders of the run's control groups. */
  readonly groups: readonly string[]
  /** Paths outside of the run folder that are second names of sockets. */
  readonly links: readonly string[]
}

/** Largest record that is read, bytes: two definitions and a little. */
const largestRecord = 4 << 20

/** The record of one run, on disk. */
export class RunRecordFile {
  readonly #files: Files
  readonly #path: string
  readonly #lock = new Mutex()
  #record: RunRecord
  #removed = false

  constructor(files: Files, path: string, record: RunRecord) {
    this.#files = files
    this.#path = path
    this.#record = record
  }

  get record(): RunRecord {
    return this.#record
  }

  /** Writes the record, changed by `change`; does nothing once it has been removed. */
  async write(change: (record: RunRecord) => RunRecord = (record) => record): Promise<void> {
    await this.#lock.run(async () => {
      if (this.#removed) return
      this.#record = change(this.#record)
      await writeDurably(this.#files, this.#path, utf8(JSON.stringify(this.#record)))
    })
  }

  async remove(): Promise<void> {
    await this.#lock.run(async () => {
      this.#removed = true
      await removeDurably(this.#files, this.#path)
    })
  }
}

/** Reads a record. @throws the system's error, SyntaxError, TypeError */
export async function readRunRecord(files: Files, path: string): Promise<RunRecord> {
  const content = utf8Text(await files.read(path, largestRecord))
  if (content === undefined) throw new TypeError('the record is not UTF-8')
  const value: unknown = JSON.parse(content)
  if (!isObject(value)) throw new TypeError('the record is not an object')
  return parseRecord(value)
}

function parseRecord(value: JsonObject): RunRecord {
  const uuid = text(value, 'uuid')
  if (parseUuid(uuid) !== uuid) throw new TypeError('uuid is not a uuid')
  if (typeof value['paused'] !== 'boolean') throw new TypeError('paused is not a boolean')
  return {
    bootId: text(value, 'bootId'),
    uuid,
    id: wholeNumber(value, 'id'),
    ...(value['uid'] !== undefined && { uid: wholeNumber(value, 'uid') }),
    ...(value['process'] !== undefined && { process: parseProcess(object(value, 'process')) }),
    paused: value['paused'],
    live: text(value, 'live'),
    ...(value['stored'] !== undefined && { stored: text(value, 'stored') }),
    groups: paths(value, 'groups'),
    links: paths(value, 'links'),
  }
}

function parseProcess(value: JsonObject): ProcessIdentity {
  return { pid: wholeNumber(value, 'pid'), startTime: text(value, 'startTime') }
}

function paths(value: JsonObject, name: string): string[] {
  const list = value[name]
  if (!Array.isArray(list)) throw new TypeError(`${name} is not a list`)
  return list.map((path) => {
    if (typeof path !== 'string' || !path.startsWith('/'))
      throw new TypeError(`${name} holds an entry that is not an absolute path`)
    return path
  })
}
