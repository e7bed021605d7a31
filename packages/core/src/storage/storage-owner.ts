import type { Log } from '@cloister/kit'
import type { DomainStorage } from './domain-storage.ts'
import type { Pools } from './pools.ts'
import type { VolumeKind } from './volume-kinds.ts'

/** A domain whose volumes can be sources of another domain's volumes. */
export interface StorageAncestor {
  readonly name: string
  readonly storage: DomainStorage | undefined
  readonly template: StorageAncestor | undefined
}

/** The domain that volumes belong to, as `DomainStorage` sees it. */
export interface StorageOwner extends StorageAncestor {
  readonly qid: number
  /** True while the domain is part of the system: only then its volumes are stored. */
  readonly registered: boolean
  /** The volumes that every domain of the class has, in the order of the guest's disks. */
  readonly volumeKinds: readonly VolumeKind[]
  /** First part of the names of its volumes. */
  readonly folder: string
  /** Name of the kernel to boot; undefined to boot from the root volume. */
  readonly kernel: string | undefined
  /** True when the volumes of the domain get pool and settings from the volumes of its template. */
  readonly hasVolumesLikeTemplate: boolean
  /** True while the domain has no guest. */
  readonly isHalted: boolean
  readonly app: { readonly log: Log; readonly pools: Pools }
}
