import { posix } from 'node:path'
import { parseAst } from 'vite'

/** What one module of `src/` depends on. */
export interface ModuleFacts {
  path: string
  imports: readonly ImportFact[]
  /** Names used that the module does not declare, such as `indexedDB`; members as `navigator.gpu`. */
  names: ReadonlySet<string>
}

export interface ImportFact {
  /** A path from the repository's root, or the name of a package. */
  target: string
  isPackage: boolean
  isTypeOnly: boolean
}

interface Node {
  type: string
  [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

/** Parses one TypeScript module. @throws when it does not parse. */
export function readModule(path: string, source: string): ModuleFacts {
  const imports: ImportFact[] = []
  const used = new Set<string>()
  const declared = new Set<string>()

  const addImport = (literal: unknown, isTypeOnly: boolean): void => {
    const specifier = isNode(literal) ? literal.value : undefined
    if (typeof specifier !== 'string') return
    const bare = specifier.replace(/\?.*$/, '')
    if (bare.startsWith('.')) {
      imports.push({ target: posix.join(posix.dirname(path), bare), isPackage: false, isTypeOnly })
    } else {
      const parts = bare.split('/')
      const target = bare.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? bare)
      imports.push({ target, isPackage: true, isTypeOnly })
    }
  }

  const visit = (node: Node, parent: Node | undefined, key: string): void => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        addImport(node.source, isTypeOnly(node))
        break
      case 'ImportExpression':
        addImport(node.source, false)
        break
      case 'TSImportType':
        addImport(node.source, true)
        break
      case 'NewExpression':
        // new URL('./policy.worker.ts', import.meta.url) is how a worker is imported
        if (nameOf(node.callee) === 'URL') addModuleUrl(node, addImport)
        break
      case 'MemberExpression':
        used.add(memberName(node))
        break
      case 'VariableDeclarator':
        for (const name of destructured(node)) used.add(name)
        break
      case 'Identifier':
        if (isDeclaration(node, parent, key)) declared.add(node.name as string)
        else if (!isLabel(parent, key)) used.add(node.name as string)
        break
    }
    for (const [childKey, child] of Object.entries(node)) {
      for (const item of Array.isArray(child) ? child : [child]) {
        if (isNode(item)) visit(item, node, childKey)
      }
    }
  }

  visit(parseAst(source, { lang: 'ts' }) as unknown as Node, undefined, '')
  return { path, imports, names: new Set([...used].filter((name) => !declared.has(name))) }
}

/** True when the compiler leaves nothing of the import: `import type`, or only `type` names. */
function isTypeOnly(node: Node): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true
  const specifiers = node.specifiers as Node[] | undefined
  return (
    specifiers !== undefined &&
    specifiers.length > 0 &&
    specifiers.every((s) => s.importKind === 'type' || s.exportKind === 'type')
  )
}

function addModuleUrl(node: Node, addImport: (literal: unknown, isTypeOnly: boolean) => void): void {
  const [first] = node.arguments as Node[]
  if (typeof first?.value === 'string' && /^\.\.?\/.*\.[jt]s$/.test(first.value)) addImport(first, false)
}

function nameOf(node: unknown): string {
  return isNode(node) && node.type === 'Identifier' ? (node.name as string) : ''
}

/** `navigator.gpu` for that, and also for `globalThis.navigator?.gpu` and `navigator['gpu']`. */
function memberName(node: Node): string {
  const object = node.object as Node
  const property = node.property as Node
  const left = object.type === 'MemberExpression' ? memberName(object).split('.').at(-1) : nameOf(object)
  const right = node.computed ? String(property.value ?? '') : nameOf(property)
  return left === 'globalThis' || left === 'window' || left === 'self' ? right : `${left}.${right}`
}

/** `navigator.gpu` for `const { gpu } = navigator`. */
function destructured(node: Node): string[] {
  const id = node.id as Node
  const init = isNode(node.init) ? node.init : undefined
  if (id.type !== 'ObjectPattern' || !init) return []
  const object = init.type === 'MemberExpression' ? memberName(init) : nameOf(init)
  return (id.properties as Node[]).map((p) => `${object}.${nameOf(p.key)}`)
}

const DECLARING = new Set([
  'VariableDeclarator.id',
  'FunctionDeclaration.id',
  'FunctionDeclaration.params',
  'FunctionExpression.params',
  'ArrowFunctionExpression.params',
  'ClassDeclaration.id',
  'CatchClause.param',
  'ImportSpecifier.local',
  'ImportDefaultSpecifier.local',
  'ImportNamespaceSpecifier.local',
  'TSInterfaceDeclaration.id',
  'TSTypeAliasDeclaration.id',
  'TSTypeParameter.name',
  'ArrayPattern.elements',
  'AssignmentPattern.left',
  'RestElement.argument',
])

function isDeclaration(_: Node, parent: Node | undefined, key: string): boolean {
  if (!parent) return false
  // In `{ a: b } = x` and `{ a }` the value is what is declared; object literals have the same node, harmlessly.
  return (
    DECLARING.has(`${parent.type}.${key}`) ||
    (parent.type === 'Property' && key === 'value' && parent.shorthand === true)
  )
}

/** The name of a member or key, not a variable. */
function isLabel(parent: Node | undefined, key: string): boolean {
  if (!parent) return false
  return (key === 'property' || key === 'key') && parent.computed !== true
}
