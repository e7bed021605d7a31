// Prints the totals of a report in Vitest's JSON format. No report, or a report without a test, is a failure.

import { readFileSync } from 'node:fs'

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
)
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`)
process.exit(numPassedTests > 0 ? 0 : 1)
