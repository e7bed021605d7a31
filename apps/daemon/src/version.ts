/** The version of the daemon. */
export const version = '0.1.0'
