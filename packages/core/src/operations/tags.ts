import { type DialectName, tag as tagForm } from '@cloister/admin-protocol'
import { msg, PermissionDenied } from '@cloister/kit'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import type { Actor } from './actor.ts'

/** Tags by which rights are given: only the admin domain may change them (reference: admin-api, 8; mgmt-dialect, Tags). */
const protectedTags: Readonly<Record<DialectName, RegExp>> = {
  admin: /^created-by-/,
  plain: /^created-by-/,
  mgmt: /^(created-by|managed-by|backup)-/,
}

/** Gives a domain a tag. @throws PermissionDenied for a tag that the actor may not change */
export async function addTag(actor: Actor, vm: BaseVM, tag: string): Promise<void> {
  refuseProtected(actor, tag)
  await vm.app.changes.make((unit) => vm.tags.add(unit, tag))
}

/** Takes a tag from a domain. @throws PermissionDenied for a tag that the actor may not change */
export async function removeTag(actor: Actor, vm: BaseVM, tag: string): Promise<void> {
  refuseProtected(actor, tag)
  await vm.app.changes.make((unit) => vm.tags.remove(unit, tag))
}

/** Refuses what cannot be a tag. @throws QubesInvalidTagError */
export function refuseInvalidTag(tag: string): void {
  tagForm.parse(tag)
}

function refuseProtected({ domain, dialect }: Actor, tag: string): void {
  if (domain instanceof AdminVM || !protectedTags[dialect].test(tag)) return
  throw new PermissionDenied(msg`${domain.name} cannot change the tag ${tag}: only the admin domain can`)
}
