/** A recipe as its file has it; only what the variants change is named. */
export interface RecipeFile {
  name: string
  seed: number
  rounds?: number
  caption: Record<string, unknown>
  score: Record<string, unknown>
  pair: Record<string, unknown>
  train: Record<string, unknown>
  evaluate: Record<string, unknown>
}

/** A way to do CLIP-DPO, as a change of the demo's recipe. */
export interface Variant {
  readonly label: string
  readonly change: (recipe: RecipeFile) => void
}

/** What is compared, on the split `dev`. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  demo: { label: 'the demo: `clip`, best-worst, sigmoid + sft', change: () => undefined },
  random: {
    label: 'random pairs (negative control)',
    change: ({ pair }) => Object.assign(pair, { control: 'random' }),
  },
  flipped: {
    label: 'flipped pairs (negative control)',
    change: ({ pair }) => Object.assign(pair, { control: 'flipped' }),
  },
  plain: {
    label: 'the paper’s plain loss: sigmoid, at half the rate',
    change: ({ train }) => Object.assign(train, { loss_type: 'sigmoid', learning_rate: 1e-3 }),
  },
  sigmoid: {
    label: 'the paper’s plain loss at the demo’s rate',
    change: ({ train }) => Object.assign(train, { loss_type: ['sigmoid'] }),
  },
  'f-clip': { label: '`f-clip` scores', change: ({ score }) => Object.assign(score, { scorer: 'f-clip' }) },
  sentence: {
    label: '`sentence` scores',
    change: ({ score }) => Object.assign(score, { scorer: 'sentence' }),
  },
  calibrated: {
    label: 'calibrated `clip` scores',
    change: ({ score }) => Object.assign(score, { calibrate: true }),
  },
  sentences: {
    label: 'sentence-level pairs after a shared prefix, calibrated',
    change({ caption, score }) {
      Object.assign(caption, { unit: 'sentence', samples: 8, prompts: ['Describe this image.'] })
      Object.assign(score, { scorer: 'sentence', calibrate: true })
    },
  },
  rounds: {
    label: 'two on-policy rounds',
    change: (recipe) => Object.assign(recipe, { rounds: 2 }),
  },
  robust: {
    label: 'robust + sft',
    change: ({ train }) => Object.assign(train, { loss_type: ['robust', 'sft'], label_smoothing: 0.1 }),
  },
  mpo: {
    label: 'MPO: 0.8 sigmoid + 0.2 bco_pair + sft',
    change: ({ train }) =>
      Object.assign(train, { loss_type: ['sigmoid', 'bco_pair', 'sft'], loss_weights: [0.8, 0.2, 1] }),
  },
}

/** The variant of a seed on 300 pictures of `dev`; everything that is the same is computed once a seed. */
export function variantRecipe(demo: RecipeFile, name: string, seed: number): RecipeFile {
  const recipe = structuredClone(demo)
  VARIANTS[name]?.change(recipe)
  Object.assign(recipe, { name: `${name} ${seed}`, seed })
  Object.assign(recipe.evaluate, {
    dataset: { source: 'embedded:emoji-scenes/dev', limit: 300 },
    zero_shot: null,
    questions: 2,
    clean_captions: 100,
  })
  return recipe
}
