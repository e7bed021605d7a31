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

/** Classes that a request can name; the handler refuses those of which no domain can be made. */
const classes: readonly string[] = ['AppVM', 'TemplateVM', 'StandaloneVM', 'AdminVM', 'DispVM', 'RemoteVM']

/** Formats that a request can name for its image. */
const imageFormatNames: readonly string[] = ['raw', 'qcow2']

export const vmList: CallRow<string | undefined, undefined, readonly DomainListItem[]> = {
  ...globalRead,
  key: 'vm.List',
  summary: 'Lists the domains with class and state; a call to a domain lists that domain only.',
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
  summary: 'Makes a template from an image of its root volume: qcow2 if it has the signature of qcow2, else raw.',
  stream: 'payload',
  mgmt: { argument: required(domainName), payload: nothing, reply: noReply },
}

/** A call that neither reference has: in the draft a request cannot name the format. */
export const vmCreateTemplateAs: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'cloister.vm.CreateTemplate.<format>',
  summary: 'Makes a template from an image of its root volume that has the named format.',
  variants: imageFormatNames,
  stream: 'payload',
  plain: { argument: required(domainName), payload: nothing, reply: noReply },
}

export const vmCreateDisposable: CallRow<'preload' | undefined, 'uuid' | undefined, string | undefined> = {
  ...globalWrite,
  key: 'vm.CreateDisposable',
  summary: 'Makes a disposable domain and returns its name, or its UUID when the payload asks for it.',
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
  summary: 'Copies a domain with its settings and volumes.',
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
