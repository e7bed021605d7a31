import {
  type CallRow,
  type DomainListItem,
  type DomainState,
  type FirewallRule,
  type NamedPropertyValue,
  type PropertyValue,
  type QubesEvent,
  type ShutdownFlags,
  type VolumeInfo,
  vmClone,
  vmCurrentState,
  vmFeatureGet,
  vmFeatureRemove,
  vmFeatureSet,
  vmFirewallGet,
  vmFirewallSet,
  vmKill,
  vmList,
  vmPause,
  vmPropertyGet,
  vmPropertyGetAll,
  vmPropertyReset,
  vmPropertySet,
  vmRemove,
  vmShutdown,
  vmStart,
  vmTagList,
  vmTagRemove,
  vmTagSet,
  vmUnpause,
  vmVolumeImport,
  vmVolumeImportWithSize,
  vmVolumeInfo,
  vmVolumeList,
} from '@cloister/admin-protocol'
import { QubesFeatureNotFoundError } from '@cloister/kit'
import type { AdminClient, CallOptions, CommonOptions } from './admin-client.ts'

/** Options of calls that may take long. */
export type OrderOptions = Pick<CommonOptions, 'signal' | 'timeout'>

/** One domain of a system, by name: each method is a call, nothing is cached. Errors are those of `AdminClient.call`. */
export class Domain {
  readonly #client: AdminClient
  readonly name: string

  constructor(client: AdminClient, name: string) {
    this.#client = client
    this.name = name
  }

  /** Makes any call about this domain. */
  async call<A, P, R>(row: CallRow<A, P, R>, options: CallOptions<NoInfer<A>, NoInfer<P>>): Promise<R> {
    return await this.#client.call(row, { ...options, dest: this.name })
  }

  /** Name, class and power state. */
  async info(): Promise<DomainListItem | undefined> {
    const [item] = await this.call(vmList, {})
    return item
  }

  /** Starts the domain, and first the domains that it gets its network from. Does nothing when the domain runs. */
  async start(options: OrderOptions = {}): Promise<void> {
    await this.call(vmStart, options)
  }

  /** Asks the guest to shut down. With `wait`, resolves when the domain is halted. */
  async shutdown(flags: Partial<ShutdownFlags> = {}, options: OrderOptions = {}): Promise<void> {
    await this.call(vmShutdown, { ...options, argument: { force: false, wait: false, ...flags } })
  }

  /** Ends the domain at once. */
  async kill(options: OrderOptions = {}): Promise<void> {
    await this.call(vmKill, options)
  }

  async pause(): Promise<void> {
    await this.call(vmPause, {})
  }

  async unpause(): Promise<void> {
    await this.call(vmUnpause, {})
  }

  /** Power state, memory and processor time. */
  async state(): Promise<DomainState> {
    return await this.call(vmCurrentState, {})
  }

  /** Removes the domain and its volumes. */
  async remove(): Promise<void> {
    await this.call(vmRemove, {})
  }

  /** Makes a copy on the server, in one step. */
  async clone(name: string): Promise<Domain> {
    await this.call(vmClone, { payload: { name, pool: undefined, pools: new Map<string, string>() } })
    return this.#client.domain(name)
  }

  /** All properties. */
  async properties(): Promise<readonly NamedPropertyValue[]> {
    return await this.call(vmPropertyGetAll, {})
  }

  async property(name: string): Promise<PropertyValue> {
    return await this.call(vmPropertyGet, { argument: name })
  }

  /** Sets a property; the empty text stands for none. */
  async setProperty(name: string, value: string): Promise<void> {
    await this.call(vmPropertySet, { argument: name, payload: value })
  }

  async resetProperty(name: string): Promise<void> {
    await this.call(vmPropertyReset, { argument: name })
  }

  /** The value of a feature, undefined when it is not set. */
  async feature(name: string): Promise<string | undefined> {
    try {
      return await this.call(vmFeatureGet, { argument: name })
    } catch (error) {
      if (error instanceof QubesFeatureNotFoundError) return undefined
      throw error
    }
  }

  async setFeature(name: string, value: string): Promise<void> {
    await this.call(vmFeatureSet, { argument: name, payload: value })
  }

  async removeFeature(name: string): Promise<void> {
    await this.call(vmFeatureRemove, { argument: name })
  }

  async tags(): Promise<readonly string[]> {
    return await this.call(vmTagList, {})
  }

  async addTag(tag: string): Promise<void> {
    await this.call(vmTagSet, { argument: tag })
  }

  async removeTag(tag: string): Promise<void> {
    await this.call(vmTagRemove, { argument: tag })
  }

  /** Names of the volumes. */
  async volumes(): Promise<readonly string[]> {
    return await this.call(vmVolumeList, {})
  }

  async volume(name: string): Promise<VolumeInfo> {
    return await this.call(vmVolumeInfo, { argument: name })
  }

  /**
   * Replaces the content of a volume; when `size` is given, the volume gets that many bytes. The stream is read as fast as the
   * daemon stores it. When the stream fails, the volume stays as it was.
   */
  async importVolume(
    volume: string,
    stream: AsyncIterable<Uint8Array>,
    options: OrderOptions & { readonly size?: bigint } = {},
  ): Promise<void> {
    const { size, ...common } = options
    const call = { ...common, argument: volume, stream }
    if (size === undefined) await this.call(vmVolumeImport, call)
    else await this.call(vmVolumeImportWithSize, { ...call, payload: size })
  }

  async firewall(): Promise<readonly FirewallRule[]> {
    return await this.call(vmFirewallGet, {})
  }

  async setFirewall(rules: readonly FirewallRule[]): Promise<void> {
    await this.call(vmFirewallSet, { payload: rules })
  }

  /** Events of this domain. */
  events(options: { readonly pattern?: string; readonly signal?: AbortSignal } = {}): AsyncIterable<QubesEvent> {
    return this.#client.events({ ...options, dest: this.name })
  }
}
