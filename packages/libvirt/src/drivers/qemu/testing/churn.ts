// A daemon that starts and ends guests until it is killed: `churn.ts URI XML…`. It prints `open`, then `runs` for each start.

import { setTimeout as delay } from 'node:timers/promises'
import { nodeOs } from '@cloister/os'
import { parseUri } from '../../../uri.ts'
import { openQemuDriver } from '../qemu-driver.ts'

const [uri = '', ...definitions] = process.argv.slice(2)
const driver = await openQemuDriver(parseUri(uri), { os: nodeOs() })
process.stdout.write('open\n')
await Promise.all(
  definitions.map(async (xml) => {
    const domain = await driver.domainDefineXML(xml)
    if ((await driver.domainGetState(domain)).state !== 'shutoff') await driver.domainDestroy(domain)
    for (;;) {
      await driver.domainCreate(domain)
      process.stdout.write('runs\n')
      await delay(50)
      await driver.domainDestroy(domain)
    }
  }),
)
