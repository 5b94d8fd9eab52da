/** A storage buffer declared by a shader. */
export interface StorageBinding {
  name: string
  binding: number
  access: 'read' | 'read_write'
}

/** One scalar or vector member of a shader's `struct Params`. */
export interface ParamField {
  name: string
  type: 'u32' | 'i32' | 'f32'
  /** Bytes from the start of the struct. */
  offset: number
}

/** What a host must know of a shader: what each entry point binds and how `Params` lies in memory. */
export interface ShaderInterface {
  /** Storage buffers each compute entry point uses, directly or through a function it calls. */
  entryPoints: ReadonlyMap<string, readonly StorageBinding[]>
  params: readonly ParamField[]
  /** Size of `Params` in bytes, a multiple of 16. */
  paramsByteLength: number
}

/** Bytes one dispatch's `Params` may take: the alignment WebGPU wants of dynamic uniform offsets. */
export const PARAMS_STRIDE = 256

/** Removes comments, keeping line breaks so that line numbers still hold. */
export function stripComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/\/\/[^\n]*/g, '')
}

/**
 * Reads a shader's bindings, entry points and `Params` layout from its source, following calls between functions.
 * Understands this project's conventions only: storage buffers in group 0, one uniform `params: Params` in group 1,
 * whose first member is `group_offset: vec3<u32>` and whose others are 32-bit scalars.
 * @throws {Error} when the source breaks a convention.
 */
export function reflect(source: string): ShaderInterface {
  const code = stripComments(source)
  const bindings: StorageBinding[] = []
  for (const m of code.matchAll(
    /@group\(0\)\s*@binding\((\d+)\)\s*var<storage(?:,\s*(read|read_write))?>\s*(\w+)\s*:/g,
  )) {
    bindings.push({
      name: m[3] as string,
      binding: Number(m[1]),
      access: (m[2] ?? 'read') as 'read' | 'read_write',
    })
  }
  const functions = readFunctions(code)
  const entryPoints = new Map<string, StorageBinding[]>()
  for (const [name, fn] of functions) {
    if (!fn.isEntry) continue
    const words = reachableWords(name, functions)
    entryPoints.set(
      name,
      bindings.filter((b) => words.has(b.name)).sort((a, b) => a.binding - b.binding),
    )
  }
  return { entryPoints, ...readParams(code) }
}

interface WgslFunction {
  isEntry: boolean
  /** Names it uses that it does not declare itself: functions, constants and buffers of the module. */
  words: ReadonlySet<string>
}

function readFunctions(code: string): Map<string, WgslFunction> {
  const functions = new Map<string, WgslFunction>()
  for (const m of code.matchAll(/((?:@[\w]+(?:\([^)]*\))?\s*)*)\bfn\s+(\w+)\s*\(/g)) {
    const open = code.indexOf('{', m.index + m[0].length)
    let depth = 0
    let end = open
    for (; end < code.length; end++) {
      if (code[end] === '{') depth++
      else if (code[end] === '}' && --depth === 0) break
    }
    const parameters = [...code.slice(m.index + m[0].length, open).matchAll(/(\w+)\s*:/g)].map(
      (p) => p[1] as string,
    )
    functions.set(m[2] as string, {
      isEntry: (m[1] ?? '').includes('@compute'),
      words: freeWords(code.slice(open, end), parameters),
    })
  }
  return functions
}

/**
 * Names a function's body takes from outside: no members (`v.x`), no parameters, and no local variable
 * from the end of its declaration to the end of its block (`let x = x[i];` does use an outer x).
 */
function freeWords(body: string, parameters: readonly string[]): Set<string> {
  const free = new Set<string>()
  const scopes: { names: Set<string>; isLoopHead: boolean }[] = [
    { names: new Set(parameters), isLoopHead: false },
  ]
  const open = (isLoopHead: boolean) => scopes.push({ names: new Set(), isLoopHead })
  let declared: string | undefined
  let previous = ''
  for (const [token] of body.matchAll(/\d[\w.]*|[A-Za-z_]\w*|[^\s\w]/g)) {
    if (token === '{') open(false)
    else if (token === 'for') open(true)
    else if (token === '}') {
      scopes.pop()
      if (scopes.at(-1)?.isLoopHead) scopes.pop()
    } else if (token === ';') {
      if (declared !== undefined) scopes.at(-1)?.names.add(declared)
      declared = undefined
    } else if (/^[A-Za-z_]/.test(token)) {
      const isDeclaration = previous === 'let' || previous === 'const' || previous === 'var'
      if (isDeclaration) declared = token
      else if (previous !== '.' && !scopes.some((scope) => scope.names.has(token))) free.add(token)
    }
    previous = token
  }
  return free
}

function reachableWords(entry: string, functions: ReadonlyMap<string, WgslFunction>): Set<string> {
  const words = new Set<string>()
  const visited = new Set<string>()
  const pending = [entry]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (visited.has(name)) continue
    visited.add(name)
    for (const word of functions.get(name)?.words ?? []) {
      words.add(word)
      if (functions.has(word)) pending.push(word)
    }
  }
  return words
}

function readParams(code: string): Pick<ShaderInterface, 'params' | 'paramsByteLength'> {
  const body = /struct\s+Params\s*\{([\s\S]*?)\}/.exec(code)?.[1]
  if (body === undefined)
    throw new Error('expected `struct Params { group_offset: vec3<u32>, ... }`, found none')
  const members = [...body.matchAll(/(\w+)\s*:\s*([\w<>]+)/g)].map(
    (m) => [m[1] as string, m[2] as string] as const,
  )
  if (members[0]?.[0] !== 'group_offset' || members[0][1] !== 'vec3<u32>') {
    throw new Error(
      `expected Params to begin with group_offset: vec3<u32>, got ${members[0]?.join(': ') ?? 'nothing'}`,
    )
  }
  let offset = 12
  const params = members.slice(1).map(([name, type]): ParamField => {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new Error(`expected Params.${name} to be u32, i32 or f32, got ${type}`)
    }
    offset += 4
    return { name, type, offset: offset - 4 }
  })
  const paramsByteLength = Math.ceil(offset / 16) * 16
  if (paramsByteLength > PARAMS_STRIDE)
    throw new Error(`Params takes ${paramsByteLength} bytes, at most ${PARAMS_STRIDE} fit`)
  return { params, paramsByteLength }
}
