import type { FirewallRule } from '@cloister/admin-protocol'
import type { XmlElement } from '@cloister/kit'
import type { QubesVM } from '../qubes-vm.ts'

/**
 * Interfaces, addresses and routes of guests. The steps of a start and of a stop call it, so that what fails there fails the
 * step; `network/` calls `connect` and `disconnect` when a netvm changes, starts or stops.
 */
export interface NetworkBackend {
  /** Makes what the guest's interfaces need on the host, before the guest exists; returns the interfaces for its configuration. */
  prepare(vm: QubesVM): Promise<readonly XmlElement[]>
  /** Gives a running guest an interface that leads to `provider`, which runs. */
  connect(vm: QubesVM, provider: QubesVM): Promise<void>
  /** Takes that interface away. */
  disconnect(vm: QubesVM, provider: QubesVM): Promise<void>
  /** Removes what `prepare` made, after the guest has ended; does nothing when there is nothing. */
  release(vm: QubesVM): Promise<void>
  /** Takes over what an earlier daemon made for the guests that still run, and removes the rest. */
  adopt(running: readonly QubesVM[]): Promise<void>
}

/** Enforces the firewall of domains, in the domain that gives them network. */
export interface FirewallBackend {
  /** Puts rules in force in place of those that were; applying them again changes nothing. */
  apply(vm: QubesVM, rules: readonly FirewallRule[]): Promise<void>
}

/** A system without networks: guests have no interfaces, and only properties, features and events change. */
export const noNetwork: NetworkBackend = {
  prepare: async () => [],
  connect: async () => {},
  disconnect: async () => {},
  release: async () => {},
  adopt: async () => {},
}

/** A system that stores firewall rules and enforces none. */
export const noFirewall: FirewallBackend = { apply: async () => {} }
