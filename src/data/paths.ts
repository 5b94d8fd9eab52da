/**
 * A path below a folder with forward slashes and without `.`, or undefined when it leads out of it: absolute, with
 * `..`, a drive, a protocol or a NUL.
 */
export function relativePath(path: string): string | undefined {
  const parts = path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '.' && part !== '')
  const leadsOut = /^([/\\]|[a-z][a-z\d+.-]*:)/i.test(path) || path.includes('\0') || parts.includes('..')
  return leadsOut || parts.length === 0 ? undefined : parts.join('/')
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path of the folder a file is in, with a slash at its end; empty at the top. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** What follows the last dot of a name, in lower case; empty without one. */
export function extension(path: string): string {
  return /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
}

/** A path without its extension. */
export function stem(path: string): string {
  return path.replace(/\.[^./]+$/, '')
}
