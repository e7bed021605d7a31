import { bothDialects, type CallRow, type Dialect, localRead, localWrite } from '../call-row.ts'
import { maybeEmpty, noReply, nothing, optional, reply, required } from '../codec.ts'
import { anyText, lines } from '../text-forms.ts'
import { featureName, featureValue, newFeatureName } from '../values/names.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.4 and 7.

const names = reply(lines(featureName))

/** All calls that read one feature. */
const read: Dialect<string, undefined, string> = {
  argument: required(featureName),
  payload: nothing,
  reply: reply(anyText('<value>')),
}

export const vmFeatureList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.feature.List',
  summary: 'Lists the features of a domain in the order in which they were set.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(featureName), payload: nothing, reply: names },
}

export const vmFeatureGet: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.feature.Get',
  summary: 'Returns the value of a feature.',
  ...bothDialects(read),
}

export const vmFeatureCheckWithTemplate: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.feature.CheckWithTemplate',
  summary: 'Returns the value of a feature of the domain, or else of its template.',
  ...bothDialects(read),
}

export const vmFeatureCheckWithNetvm: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.feature.CheckWithNetvm',
  summary: 'Returns the value of a feature of the domain, or else of its network domain.',
  admin: read,
}

export const vmFeatureCheckWithAdminVM: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.feature.CheckWithAdminVM',
  summary: 'Returns the value of a feature of the domain, or else of the admin domain.',
  admin: read,
}

export const vmFeatureCheckWithTemplateAndAdminVM: CallRow<string, undefined, string> = {
  ...localRead,
  key: 'vm.feature.CheckWithTemplateAndAdminVM',
  summary: 'Returns the value of a feature of the domain, or else of its template, or else of the admin domain.',
  admin: read,
}

export const vmFeatureSet: CallRow<string, string, undefined> = {
  ...localWrite,
  key: 'vm.feature.Set',
  summary: 'Sets a feature.',
  ...bothDialects({ argument: required(newFeatureName), payload: maybeEmpty(featureValue), reply: noReply }),
}

export const vmFeatureRemove: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.feature.Remove',
  summary: 'Removes a feature.',
  ...bothDialects({ argument: required(featureName), payload: nothing, reply: noReply }),
}
