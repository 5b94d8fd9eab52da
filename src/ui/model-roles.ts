import type { ModelRole } from '../pipeline/inspect-model.ts'

/** What models are for, for people. */
export const MODEL_ROLES: readonly (readonly [ModelRole, string])[] = [
  ['policy', 'The model that learns'],
  ['clip', 'The judge, a CLIP'],
]
