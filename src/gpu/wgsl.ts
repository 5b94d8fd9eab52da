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
  words: Set<string>
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
    functions.set(m[2] as string, {
      isEntry: (m[1] ?? '').includes('@compute'),
      // Not after a dot: `value.x` names a member, not a buffer.
      words: new Set(code.slice(m.index, end).match(/(?<![.\w])[A-Za-z_]\w*/g)),
    })
  }
  return functions
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
