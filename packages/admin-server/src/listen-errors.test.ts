import { ModelledClock } from '@cloister/os'
import { expect, it } from 'vitest'
import { ListenErrors } from './listen-errors.ts'
import { KeptLog } from './testing/test-endpoint.ts'

it('writes down the first error, then one a minute with the number of those between', () => {
  const [clock, log, error] = [new ModelledClock(), new KeptLog(), new Error('accept EMFILE')]
  const errors = new ListenErrors(clock, log, '/run/x.sock')
  for (let count = 0; count < 1000; count++) errors.note(error)
  const message = 'a connection could not be accepted'
  expect(log.lines).toEqual([{ message, details: { socket: '/run/x.sock', error } }])
  clock.advance(60_000)
  errors.note(error)
  expect(log.lines.slice(1)).toEqual([{ message, details: { socket: '/run/x.sock', error, before: 999 } }])
})
