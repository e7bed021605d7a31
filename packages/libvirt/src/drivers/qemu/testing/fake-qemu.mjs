// A program in the place of QEMU, which misbehaves in the way that the name of the domain says.

import { createServer } from 'node:net'

const { argv } = process
const path = argv.find((arg) => arg.startsWith('socket,id=monitor,'))?.replace(/.*path=([^,]*).*/, '$1')
const way = argv[argv.indexOf('-name') + 1]?.replace(/^guest=([^,]*).*/, '$1') ?? ''

/** Lines that are sent before the answer, by the way of misbehaving and the command. */
const misdeeds = {
  'lies-later': { cont: () => '{"event":"STOP"}\nwhat?\n' },
  'boasts-of-memory': { cont: () => '{"event":"BALLOON_CHANGE","data":{"actual":1125899906842624}}\n' },
  'counts-wrong': { cont: () => '{"event":"BALLOON_CHANGE","data":{"actual":-1}}\n' },
  'changes-often': { cont: () => '{"event":"STOP"}\n{"event":"RESUME"}\n'.repeat(49) },
  obeys: { cont: () => '{"event":"RESUME"}\n', stop: () => '{"event":"STOP"}\n' },
  floods: { cont: () => '{"event":"STOP"}\n{"event":"RESUME"}\n'.repeat(100_000) },
  nests: { cont: () => `{"event":"STOP","data":${'{"a":'.repeat(200_000)}` },
}

if (way === 'makes-no-monitor') setInterval(() => {}, 1000)
else createServer(serve).listen(path)

function serve(socket) {
  socket.on('error', () => {})
  if (way === 'hangs-up') return socket.destroy()
  if (way === 'does-not-greet') return
  socket.write('{"QMP":{"version":{"qemu":{"micro":0,"minor":0,"major":9}},"capabilities":[]}}\n')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      const { execute, id } = JSON.parse(text.slice(0, end))
      text = text.slice(end + 1)
      console.log(execute)
      if (way === 'answers-no-more' && !['qmp_capabilities', 'cont'].includes(execute)) continue
      if (way === 'refuses-to-go' && execute === 'cont') {
        socket.write(`{"error":{"class":"GenericError","desc":"not today"},"id":"${id}"}\n`)
        continue
      }
      if (execute === 'quit') process.exit()
      socket.write(misdeeds[way]?.[execute]?.() ?? '')
      socket.write(`{"return":${execute === 'query-block' ? '[]' : '{}'},"id":"${id}"}\n`)
    }
  })
}
