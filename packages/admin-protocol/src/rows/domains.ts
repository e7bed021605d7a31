import { bothDialects, type CallRow, globalRead, globalWrite, localWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { anyText, lines, oneOf, orEmpty } from '../text-forms.ts'
import {
  type CloneRequest,
  type CreateRequest,
  cloneInPoolRequest,
  cloneRequest,
  createInPoolRequest,
  createRequest,
} from '../values/create-request.ts'
import { adminDomainListItem, type DomainListItem, mgmtDomainListItem } from '../values/domain-list-item.ts'
import { domainName, knownDomain, templateName } from '../values/domain-name.ts'
import { preloadWord } from '../values/preload.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.2.

/** Classes that a domain can be asked for; whether one can be made is the handler's business. */
const classes: readonly string[] = ['AppVM', 'TemplateVM', 'StandaloneVM', 'AdminVM', 'DispVM', 'RemoteVM']

/** Formats that an image can be said to have. */
const imageFormatNames: readonly string[] = ['raw', 'qcow2']

export const vmList: CallRow<string | undefined, undefined, readonly DomainListItem[]> = {
  ...globalRead,
  key: 'vm.List',
  summary: 'Lists the domains with class and state; sent to a domain: that one.',
  destination: 'any',
  admin: { argument: nothing, payload: nothing, reply: reply(lines(adminDomainListItem)) },
  mgmt: { argument: optional(knownDomain), payload: nothing, reply: reply(lines(mgmtDomainListItem)) },
}

export const vmCreate: CallRow<string | undefined, CreateRequest, undefined> = {
  ...globalWrite,
  key: 'vm.Create.<class>',
  summary: 'Makes a domain, from a template where its class has one.',
  variants: classes,
  ...bothDialects({ argument: optional(templateName), payload: required(createRequest), reply: noReply }),
}

export const vmCreateInPool: CallRow<string | undefined, CreateRequest, undefined> = {
  ...globalWrite,
  key: 'vm.CreateInPool.<class>',
  summary: 'Makes a domain whose volumes lie in chosen pools.',
  variants: classes,
  ...bothDialects({ argument: optional(templateName), payload: required(createInPoolRequest), reply: noReply }),
}

export const vmCreateTemplate: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'vm.CreateTemplate',
  summary: 'Makes a template from an image of its root volume, raw or qcow2, as the signature of the image tells.',
  stream: 'payload',
  mgmt: { argument: required(domainName), payload: nothing, reply: noReply },
}

/** A call of our own: the draft has no way to say the format. */
export const vmCreateTemplateAs: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'cloister.vm.CreateTemplate.<format>',
  summary: 'Makes a template from an image of that format, whatever signature the image has.',
  variants: imageFormatNames,
  stream: 'payload',
  plain: { argument: required(domainName), payload: nothing, reply: noReply },
}

export const vmCreateDisposable: CallRow<'preload' | undefined, 'uuid' | undefined, string | undefined> = {
  ...globalWrite,
  key: 'vm.CreateDisposable',
  summary: 'Makes a disposable domain and tells its name, or its UUID when asked for.',
  destination: 'any',
  admin: {
    argument: optional(preloadWord),
    payload: optional(oneOf(['uuid'])),
    reply: reply(orEmpty(anyText('<name>'))),
  },
}

export const vmClone: CallRow<undefined, CloneRequest, undefined> = {
  ...localWrite,
  key: 'vm.Clone',
  summary: 'Copies a domain with all that belongs to it.',
  destination: 'domain',
  mgmt: { argument: nothing, payload: required(cloneRequest), reply: noReply },
}

export const vmCloneInPool: CallRow<undefined, CloneRequest, undefined> = {
  ...localWrite,
  key: 'vm.CloneInPool',
  summary: 'Copies a domain into chosen pools.',
  destination: 'domain',
  mgmt: { argument: nothing, payload: required(cloneInPoolRequest), reply: noReply },
}

export const vmRemove: CallRow<undefined, undefined, undefined> = {
  ...globalWrite,
  key: 'vm.Remove',
  summary: 'Removes a domain and its volumes.',
  destination: 'any',
  ...bothDialects({ argument: nothing, payload: nothing, reply: noReply }),
}
