import { required } from './argument.ts'
import type { ArgumentSpec } from './command.ts'

/** The arguments that name a volume. */
export const volumeArguments: { readonly domain: ArgumentSpec<string>; readonly volume: ArgumentSpec<string> } = {
  domain: required('DOMAIN', 'the domain', 'domain'),
  volume: required('VOLUME', 'its volume: root, private, volatile, kernel', 'volume'),
}
