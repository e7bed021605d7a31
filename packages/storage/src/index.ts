export * from './pool.ts'
export * from './volume.ts'
