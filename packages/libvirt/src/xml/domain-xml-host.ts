/** What the parser asks of the host (`Os.host` has it): bytes for new uuids and addresses, and the default architecture. */
export interface DomainXmlHost {
  /** As Node names it. */
  readonly architecture: string
  random(count: number): Uint8Array
}
