import { formatXml, msg, parseXml, type XmlElement } from '@cloister/kit'
import type { ElementReader } from './element-reader.ts'
import { firstDouble } from './values.ts'

/**
 * `<metadata>`: elements of other programs, kept as XML text, each in a namespace of its own (reference: libvirt, 8.4).
 * @throws LibvirtError XML_ERROR
 */
export function readMetadata(metadata: ElementReader): string | undefined {
  const children = metadata.elements()
  const twice = firstDouble(children.map((child) => namespaceOf(child, metadata)))
  if (twice !== undefined) metadata.malformed(msg`there is more than one element of the namespace '${twice}'`)
  for (const child of children) checkPrefixes(child, new Set(['xml', 'xmlns']), metadata)
  return children.length === 0 ? undefined : children.map((child) => formatXml(child)).join('')
}

/** The element `<metadata>` with the children that `readMetadata` returned as text. @throws XmlError when the text is not XML */
export function metadataElement(text: string): XmlElement {
  return parseXml(`<metadata>${text}</metadata>`)
}

function prefixOf(name: string): string {
  return name.includes(':') ? name.slice(0, name.indexOf(':')) : ''
}

function namespaceOf(child: XmlElement, metadata: ElementReader): string {
  const prefix = prefixOf(child.name)
  const namespace = child.attribute(prefix === '' ? 'xmlns' : `xmlns:${prefix}`)
  return namespace || metadata.malformed(msg`<${child.name}> does not declare a namespace of its own`)
}

/** Other programs could not read a document with a prefix that is not declared. */
function checkPrefixes(element: XmlElement, outer: ReadonlySet<string>, metadata: ElementReader): void {
  const names = [...element.attributes.keys()]
  const declared = names.filter((name) => name.startsWith('xmlns:')).map((name) => name.slice('xmlns:'.length))
  const known = new Set([...outer, ...declared])
  for (const name of [element.name, ...names]) {
    const prefix = prefixOf(name)
    if (prefix !== '' && !known.has(prefix)) metadata.malformed(msg`the namespace prefix of '${name}' is not declared`)
  }
  for (const child of element.elements()) checkPrefixes(child, known, metadata)
}
