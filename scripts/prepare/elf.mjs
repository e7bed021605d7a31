import { readFileSync } from 'node:fs'

// Fields of a 64-bit little-endian ELF file, as in <elf.h>.
const magic = '\x7fELF'
const programHeaders = { offset: 32, entrySize: 54, count: 56 }
const interpreterType = 3

/**
 * True when a program runs without a dynamic loader and libraries, so that it can be moved into a guest alone.
 * @param {string} path
 */
export function isStatic(path) {
  const file = readFileSync(path)
  if (file.toString('latin1', 0, magic.length) !== magic) return false
  const start = Number(file.readBigUInt64LE(programHeaders.offset))
  const size = file.readUInt16LE(programHeaders.entrySize)
  const count = file.readUInt16LE(programHeaders.count)
  return !Array.from({ length: count }, (_, index) => file.readUInt32LE(start + index * size)).includes(interpreterType)
}
