import { onTestFinished } from 'vitest'
import type { Pool } from '../pool.ts'
import { createPool } from '../pool-drivers.ts'
import type { PoolOptions } from '../pool-options.ts'
import type { Volume, VolumeConfig } from '../volume.ts'
import { guestWrites, type Place } from './place.ts'

export const MiB: bigint = 1n << 20n

let pools = 0

/** A pool at a place, with short ways to make volumes and to run them; it is closed when the test that made it has finished. */
export class ImageFixture {
  readonly place: Place
  readonly pool: Pool
  readonly dirPath: string
  readonly warnings: string[]
  readonly #make: (warnings: string[]) => Pool

  private constructor(place: Place, dirPath: string, make: (warnings: string[]) => Pool) {
    this.warnings = []
    this.place = place
    this.dirPath = dirPath
    this.pool = make(this.warnings)
    this.#make = make
    // An open pool holds its folder, so that the file system below it could not be unmounted.
    onTestFinished(() => this.pool.close())
  }

  /** A new pool, set up. Unless the options say otherwise it also works where files cannot share blocks. */
  static async make(place: Place, driver = 'file-reflink', options: PoolOptions = {}): Promise<ImageFixture> {
    const dirPath = `${place.folder}/pool${pools++}`
    const all = { ...(driver === 'file-reflink' && { setup_check: 'False' }), ...options, dir_path: dirPath }
    const fixture = new ImageFixture(place, dirPath, (warnings) =>
      createPool(driver, 'main', all, place.os, (text) => warnings.push(text)),
    )
    await fixture.pool.setup()
    return fixture
  }

  /** The same pool seen by a daemon that knows nothing yet. */
  async afterCrash(): Promise<ImageFixture> {
    const fixture = new ImageFixture(this.place, this.dirPath, this.#make)
    await fixture.pool.open()
    return fixture
  }

  origin(owner = 'appvms/work', config: Partial<VolumeConfig> = {}): Volume {
    return this.#init(owner, { saveOnStop: true, ...config })
  }

  snapshot(source: Volume, owner = 'appvms/disp1', config: Partial<VolumeConfig> = {}): Volume {
    return this.#init(owner, { name: source.name, snapOnStart: true, source, ...config })
  }

  volatile(owner = 'appvms/work', config: Partial<VolumeConfig> = {}): Volume {
    return this.#init(owner, { name: 'volatile', ...config })
  }

  /** Runs a volume once; what the guest writes is at the beginning of the disk. */
  async cycle(volume: Volume, content: string): Promise<void> {
    await volume.start()
    await guestWrites(this.place.os, volume.path, content)
    await volume.stop()
  }

  /** The path of a file of a volume, by what follows the `vid`. */
  path(volume: Volume, suffix: string): string {
    return `${this.dirPath}/${volume.vid}${suffix}`
  }

  /** What the file holds at its beginning; undefined when there is no file. */
  async content(volume: Volume, suffix = '.img'): Promise<string | undefined> {
    const path = this.path(volume, suffix)
    return (await this.place.os.files.stat(path)) && this.place.read(path)
  }

  async stat(volume: Volume, suffix = '.img') {
    return this.place.os.files.stat(this.path(volume, suffix))
  }

  /** Names in a folder of the pool; none when there is no folder. */
  async names(folder = 'appvms/work'): Promise<string[]> {
    const path = `${this.dirPath}/${folder}`
    return (await this.place.os.files.stat(path)) ? this.place.os.files.list(path) : []
  }

  async revisionIds(volume: Volume): Promise<string[]> {
    return (await volume.revisions()).map(({ id }) => id)
  }

  #init(owner: string, config: Partial<VolumeConfig>): Volume {
    const plain = { name: 'private', owner, rw: true, snapOnStart: false, saveOnStop: false }
    return this.pool.initVolume({ ...plain, ...(!config.snapOnStart && { size: MiB }), ...config })
  }
}
