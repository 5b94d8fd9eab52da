import type { FileSpec } from '../data/folder.ts'
import { type AmberTruth, amberTruthOf } from '../evaluate/amber.ts'
import type { GridPicture } from './dataset-grid.ts'
import type { MadeScene } from './scene/scene-maker.ts'

/** A picture that is asked about. */
export type AskedPicture =
  | { readonly kind: 'stored'; readonly picture: GridPicture; readonly url: string | undefined }
  | { readonly kind: 'file'; readonly file: File; readonly url: string }
  | ({ readonly kind: 'scene' } & MadeScene)

/** The embedded data set whose nouns are those of the scene maker. */
const SCENE_WORLD = 'emoji-scenes'

/** What a question says of its picture: which it is, and what is known to be in it. */
export function questionOf(asked: AskedPicture): {
  readonly picture: FileSpec | { readonly hash: string }
  readonly truth?: AmberTruth
  readonly world?: string
} {
  const known = truthOf(asked)
  return {
    picture:
      asked.kind === 'stored' ? { hash: asked.picture.hash } : { name: asked.file.name, blob: asked.file },
    ...(known ? { truth: amberTruthOf(known) } : {}),
    ...(asked.kind === 'scene' ? { world: SCENE_WORLD } : {}),
  }
}

/** What is known to be in a picture. */
export function truthOf(asked: AskedPicture | undefined): AmberTruth | undefined {
  if (asked?.kind === 'scene') return asked.truth
  return asked?.kind === 'stored' ? asked.picture.truth : undefined
}
