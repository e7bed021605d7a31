import { encodeException, encodeOk, takeFirstLine, vmConsole } from '@cloister/admin-protocol'
import { AdminClient, DaemonAccessError } from '@cloister/client'
import { importVolume, UnixTransport } from '@cloister/client/node'
import { CloisterError, errorText, ProtocolError, parseDecimal, QubesException, utf8Text } from '@cloister/kit'
import { optional, required } from '../../argument.ts'
import { ReportedError, UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { connectInternally, socketOf } from '../../connect.ts'
import { attach } from '../../console/attach.ts'
import { hasStopped } from '../../console/has-stopped.ts'
import type { Context } from '../../context.ts'
import { exitStatus } from '../../exit-status.ts'

/** A call, as a tool describes it by environment variables (reference: admin-api, 1.4). */
interface ServiceCall {
  readonly context: Context
  readonly source: string
  readonly target: string
  readonly argument: string
}

/** Most bytes of the line with the size. */
const sizeLineLimit = 21
/** Exit status when another user has the console (reference: admin-api, 3.5). */
const consoleBusy = 200

async function importInto(
  { context, source, target, argument }: ServiceCall,
  data: AsyncIterable<Uint8Array>,
  size?: bigint,
): Promise<void> {
  const client = await connectInternally(context, source)
  const request = { domain: target, volume: argument, data, signal: context.signal }
  await importVolume(client, size === undefined ? request : { ...request, size })
  await context.output.bytes(encodeOk(new Uint8Array()))
}

async function importWithSize(call: ServiceCall): Promise<void> {
  const { line, rest } = await takeFirstLine(process.stdin, sizeLineLimit)
  const size = line.parse((bytes) => parseDecimal(utf8Text(bytes) ?? ''))
  if (size === undefined) throw new ProtocolError('the first line must be the size in bytes')
  await importInto(call, rest, size)
}

async function useConsole({ context, source, target }: ServiceCall): Promise<void> {
  const client = new AdminClient(new UnixTransport(await socketOf(context), { source }))
  const path = await client.call(vmConsole, { dest: target })
  const leaving = await attach(path, { input: process.stdin, output: context.output, raw: true, linger: 0.5 })
  if (leaving === 'closed' && !(await hasStopped(client, target))) process.exit(consoleBusy)
}

const services: ReadonlyMap<string, (call: ServiceCall) => Promise<void>> = new Map([
  ['admin.vm.volume.Import', (call: ServiceCall) => importInto(call, process.stdin)],
  ['admin.vm.volume.ImportWithSize', importWithSize],
  ['admin.vm.Console', useConsole],
])

/** Prints the reply that the daemon would have sent, which the tools read; no reply means that policy refuses. */
async function answerFailure({ output }: Context, error: unknown): Promise<never> {
  if (!(error instanceof DaemonAccessError)) {
    const known = error instanceof CloisterError ? error : new QubesException(errorText(error))
    await output.bytes(encodeException({ type: known.wireType, message: known.text, traceback: '' }, 'admin'))
  }
  throw new ReportedError(exitStatus.failure)
}

export const serve: Command = defineCommand({
  description: [
    'Serves one call of a tool of Qubes OS, which the environment describes. The programs in /etc/qubes-rpc run this.',
  ],
  examples: [],
  arguments: { service: required('SERVICE', 'the service'), argument: optional('ARGUMENT', 'its argument') },
  options: {},
  async run(context, { service: name, argument = '' }) {
    const service = services.get(name)
    if (service === undefined) throw new UsageError(`there is no service ${name}`)
    const target = context.environment['QREXEC_REQUESTED_TARGET']
    if (target === undefined) throw new UsageError('QREXEC_REQUESTED_TARGET is not set')
    const source = context.environment['QREXEC_REMOTE_DOMAIN'] ?? 'dom0'
    try {
      await service({ context, source, target, argument })
    } catch (error) {
      await answerFailure(context, error)
    }
  },
})
