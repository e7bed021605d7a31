import { parseArgs } from 'node:util'
import { allParsers } from './all-parsers.ts'
import { type Finding, fuzz } from './fuzz.ts'

// `npm run fuzz [-- --inputs 1000000 --seed 1 --only TEXT]`: feeds every parser with generated inputs and prints the findings.

const shown = 200
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string', default: '' },
  },
})
const parsers = allParsers.filter(({ name }) => name.includes(values.only))
const seed = Number(values.seed)
const inputs = Math.ceil(Number(values.inputs) / parsers.length)
if (!(inputs > 0) || !Number.isSafeInteger(seed))
  throw new Error('--inputs and --seed take numbers, --only a part of a name')

function show({ parser, what, input }: Finding): string {
  const text = JSON.stringify(Buffer.from(input).toString('latin1'))
  const cut = text.length > shown ? `${text.slice(0, shown)}… (${input.length} bytes)` : text
  return `${parser}: ${what}\n  input: ${cut}\n`
}

console.log(`${parsers.length} parsers, ${inputs} inputs each, seed ${seed}`)
let count = 0
for (const parser of parsers) {
  const start = performance.now()
  const findings = await fuzz(parser, { inputs, seed })
  count += findings.length
  console.log(
    `${findings.length === 0 ? 'ok' : 'FAILED'}  ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${parser.name}`,
  )
  for (const finding of findings) console.log(show(finding))
}
console.log(`${inputs * parsers.length} inputs, ${count} findings`)
process.exitCode = count === 0 ? 0 : 1
