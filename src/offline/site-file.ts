/** A file of the built site, as the build lists them for the service worker. */
export interface SiteFile {
  /** Relative to the site's folder; `./` is the page itself. */
  readonly url: string
  /** Changes with the content; null where the name does. */
  readonly revision: string | null
}

/** Folders whose files are asked for without knowing whether they are there, such as a model's optional ones. */
const SEARCHED = /^(models|data)\//

/** What a site's list of files tells of an address. */
export type SiteAnswer =
  /** Kept under this name. */
  | { readonly kept: string }
  /** Not a part of the site, as far as it is known without network. */
  | 'missing'
  /** Not ours to answer. */
  | undefined

/**
 * What a service worker has for an address.
 * @param scope address of the site's folder, with its `/`. @param names the site's files, as in `SiteFile.url`.
 */
export function siteAnswer(address: string, scope: string, names: ReadonlySet<string>): SiteAnswer {
  const { origin, pathname } = new URL(address)
  const whole = origin + pathname
  if (!whole.startsWith(scope)) return undefined
  const path = decodeURIComponent(whole.slice(scope.length))
  const name = path === '' || path === 'index.html' ? './' : path
  if (names.has(name)) return { kept: name }
  return SEARCHED.test(path) ? 'missing' : undefined
}
