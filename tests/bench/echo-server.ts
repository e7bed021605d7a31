import { createServer, type Socket } from 'node:net'

// A process of its own: `echo-server.ts ECHO FAN`. On the first socket it echoes the message of each client, which ends when the
// client half-closes; a message to the second socket goes to all clients of that socket. It ends with the process that started it.

const [echo = '', fan = ''] = process.argv.slice(2)
const backlog = 1024
const listeners = new Set<Socket>()

function listen(path: string, serve: (socket: Socket) => void): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen({ path, backlog }, resolve)
  })
}

await listen(echo, (socket) => {
  socket.on('data', (data) => socket.write(data))
  socket.on('end', () => socket.end())
})
await listen(fan, (socket) => {
  listeners.add(socket)
  socket.on('close', () => listeners.delete(socket))
  socket.on('end', () => socket.end())
  socket.on('data', (data) => {
    for (const listener of listeners) listener.write(data)
  })
})
process.send?.('ready')
process.on('disconnect', () => process.exit())
