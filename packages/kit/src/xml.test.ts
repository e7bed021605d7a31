import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatXml, parseXml, XmlElement, XmlError, xml } from './xml.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((value) => /^[\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u.test(value))
const tree = fc.letrec<{ element: XmlElement }>((tie) => ({
  element: fc
    .tuple(name, fc.dictionary(name, text), fc.oneof({ maxDepth: 3 }, text, fc.array(tie('element'), { maxLength: 3 })))
    .map(
      ([tag, attributes, content]) =>
        new XmlElement(
          tag,
          Object.entries(attributes),
          typeof content === 'string' ? (content === '' ? [] : [content]) : content,
        ),
    ),
})).element

/** What a tree says, without the white space between elements. */
function shape(element: XmlElement): unknown {
  const children = element.elements()
  return [element.name, [...element.attributes], children.length > 0 ? children.map(shape) : element.text]
}

describe('XML', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(tree, (element) => {
        expect(shape(parseXml(formatXml(element)))).toEqual(shape(element))
      }),
    )
  })

  it('is written so that text cannot become markup', () => {
    expect(formatXml(xml('a', { b: `'"<&>` }, '</a><x/>'))).toBe(
      `<a b='&apos;"&lt;&amp;&gt;'>&lt;/a&gt;&lt;x/&gt;</a>\n`,
    )
  })

  it.each([
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['an unknown entity', '<a>&x;</a>'],
    ['no element', ''],
    ['two elements', '<a/><b/>'],
    ['an open element', '<a>'],
    ['a doubled attribute', `<a b='1' b='2'/>`],
    ['too many attributes', `<a ${Array.from({ length: 65 }, (_, at) => `a${at}='1'`).join(' ')}/>`],
    ['too deep a tree', '<a>'.repeat(65) + '</a>'.repeat(65)],
    ['too many nodes', `<a>${'<b/>'.repeat(200_001)}</a>`],
    ['a character that XML does not know', '<a>\u0001</a>'],
  ])('with %s is refused', (_, document) => {
    expect(() => parseXml(document)).toThrow(XmlError)
  })

  it('ends in a tree or an XmlError, whatever is read', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '/', '&', ';', 'a', "'", '=', ' ', '!', '[', ']', '-', '?') }),
        (document) => {
          try {
            expect(parseXml(document)).toBeInstanceOf(XmlElement)
          } catch (error) {
            expect(error).toBeInstanceOf(XmlError)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('cannot hold a character that XML does not know', () => {
    expect(() => formatXml(xml('a', {}, '\u0000'))).toThrow(XmlError)
  })
})
