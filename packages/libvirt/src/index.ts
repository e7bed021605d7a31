export * from './domain-definition.ts'
export * from './driver.ts'
