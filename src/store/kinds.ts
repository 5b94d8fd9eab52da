/** Outputs of stages, kept under the hash of all that determined them. */
export const STAGE_KINDS = ['datasets', 'candidates', 'scores', 'pairs', 'checkpoints', 'results'] as const
export type StageKind = (typeof STAGE_KINDS)[number]

/** What outputs of stages refer to, kept under the hash of its content. */
export const CONTENT_KINDS = ['images', 'thumbnails', 'embeddings'] as const
export type ContentKind = (typeof CONTENT_KINDS)[number]

/** Everything that is stored, one database each. `features`, `references` and `models` belong to no run: they are caches of the worker's. */
export const KINDS = [...STAGE_KINDS, ...CONTENT_KINDS, 'features', 'references', 'models', 'runs'] as const
export type Kind = (typeof KINDS)[number]

/** What a stored value needs of other kinds, by their keys. */
export type References = Readonly<Partial<Record<ContentKind, readonly string[]>>>
