// Numbers, names and texts are the wire's (reference: libvirt, 3.3; libvirt-protocol, error_numbers and error_domains).

/**
 * The errors that drivers raise and clients branch on, by the name that follows `VIR_ERR_`: number of `virErrorNumber`,
 * and the text, in which `%s` stands for the detail.
 */
export const errorNumbers = {
  INTERNAL_ERROR: { code: 1, template: 'internal error: %s' },
  NO_SUPPORT: { code: 3, template: 'this function is not supported by the connection driver: %s' },
  NO_CONNECT: { code: 5, template: 'no connection driver available for %s' },
  INVALID_CONN: { code: 6, template: 'invalid connection pointer in %s' },
  INVALID_ARG: { code: 8, template: 'invalid argument: %s' },
  OPERATION_FAILED: { code: 9, template: 'operation failed: %s' },
  XML_ERROR: { code: 27, template: 'XML error: %s' },
  OPERATION_DENIED: { code: 29, template: 'operation forbidden: %s' },
  XML_DETAIL: { code: 35, template: '%s' },
  SYSTEM_ERROR: { code: 38, template: '%s' },
  RPC: { code: 39, template: '%s' },
  NO_DOMAIN: { code: 42, template: 'Domain not found: %s' },
  AUTH_FAILED: { code: 45, template: 'authentication failed: %s' },
  OPERATION_INVALID: { code: 55, template: 'Requested operation is not valid: %s' },
  CONFIG_UNSUPPORTED: { code: 67, template: 'unsupported configuration: %s' },
  OPERATION_TIMEOUT: { code: 68, template: 'Timed out during operation: %s' },
  OPERATION_ABORTED: { code: 78, template: 'operation aborted: %s' },
  OPERATION_UNSUPPORTED: { code: 84, template: 'Operation not supported: %s' },
  AGENT_UNRESPONSIVE: { code: 86, template: 'Guest agent is not responding: %s' },
  RESOURCE_BUSY: { code: 87, template: 'resource busy: %s' },
  ACCESS_DENIED: { code: 88, template: 'access denied: %s' },
  DEVICE_MISSING: { code: 99, template: 'device not found: %s' },
} as const

/** Name of an error number, without `VIR_ERR_`. */
export type ErrorName = keyof typeof errorNumbers

/** The parts of libvirt that an error can come from (`virErrorDomain`), by the name that follows `VIR_FROM_`. */
export const errorDomains = {
  NONE: 0,
  XML: 5,
  RPC: 7,
  QEMU: 10,
  TEST: 12,
  REMOTE: 13,
  DOMAIN: 20,
  URI: 45,
} as const

/** Name of an error domain, without `VIR_FROM_`. */
export type ErrorDomain = keyof typeof errorDomains

/** `virErrorLevel` of everything that is thrown. */
export const errorLevel = 2
