export * from './import-volume.ts'
export * from './socket-paths.ts'
export * from './unix-transport.ts'
