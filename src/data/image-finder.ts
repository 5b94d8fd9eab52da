import type { ByteSource } from './bytes.ts'
import { DataError } from './data-error.ts'
import type { Folder } from './folder.ts'
import { baseName, relativePath } from './paths.ts'

/** Opens images that annotations name, wherever in the folder they lie. */
export class ImageFinder {
  readonly #folder: Folder
  readonly #from: string
  /** Paths by themselves, and by their normal form: systems write letters with marks in two ways. */
  readonly #paths: ReadonlyMap<string, string>
  /** Paths by the last part; undefined for one that several have. */
  readonly #byName = new Map<string, string | undefined>()

  /** @param from the folder in it, with a slash at its end, from which paths start. Default its top. */
  constructor(folder: Folder, from = '') {
    this.#folder = folder
    this.#from = from
    const paths = folder.paths ?? []
    this.#paths = new Map([
      ...paths.map((path) => [path.normalize(), path] as const),
      ...paths.map((path) => [path, path] as const),
    ])
    for (const path of paths) {
      const name = baseName(path.normalize())
      this.#byName.set(name, this.#byName.has(name) ? undefined : path)
    }
  }

  /** By path or, failing that, by a name that only one file has. @throws {DataError} for a path that leads out. */
  async open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined> {
    if (relativePath(path) === undefined)
      throw new DataError(`expected an image's path below its folder, got one that leads out of it`)
    const found = this.find(path)
    return found === undefined ? undefined : await this.#folder.open(found, signal)
  }

  /** The path under which `open` looks; undefined where it finds none, or the path leads out. */
  find(path: string): string | undefined {
    const relative = relativePath(path)
    if (relative === undefined) return undefined
    const below = this.#from + relative
    if (this.#folder.paths === undefined) return below
    const normal = below.normalize()
    return this.#paths.get(below) ?? this.#paths.get(normal) ?? this.#byName.get(baseName(normal))
  }
}
