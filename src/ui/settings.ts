import type { StageName } from '../pipeline/events.ts'

/** A setting a visitor can change, and how it is asked for. */
export interface SettingField {
  /** In the recipe. */
  readonly path: string
  readonly label: string
  /** One plain sentence. */
  readonly meaning: string
  readonly kind: 'number' | 'text' | 'lines' | 'choice' | 'switch'
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  readonly step?: number | 'any'
  /** What is meant where nothing is set, as the field shows it. */
  readonly unset?: string
  /** An empty field means null rather than the default. */
  readonly isNullable?: true
}

/** The settings of the six stages under the recipe's names; all others can be set in the recipe's JSON. */
export const SETTINGS: Readonly<Record<StageName, readonly SettingField[]>> = {
  dataset: [
    {
      path: 'dataset.limit',
      label: 'Pictures',
      meaning: 'Most pictures taken.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: 'all',
    },
    {
      path: 'dataset.skip',
      label: 'Skip',
      meaning: 'Pictures passed over at the beginning.',
      kind: 'number',
      min: 0,
      step: 1,
      unset: '0',
    },
  ],
  caption: [
    {
      path: 'caption.prompts',
      label: 'Prompts',
      meaning: 'What is asked about every picture, one a line.',
      kind: 'lines',
    },
    {
      path: 'caption.samples',
      label: 'Samples',
      meaning: 'Answers drawn for each prompt.',
      kind: 'number',
      min: 0,
      step: 1,
      unset: '5',
    },
    {
      path: 'caption.temperature',
      label: 'Temperature',
      meaning: 'How freely answers are drawn; higher strays further.',
      kind: 'number',
      min: 0.05,
      max: 2,
      step: 0.05,
      unset: '0.7',
    },
    {
      path: 'caption.top_p',
      label: 'Top p',
      meaning: 'Draw among the likeliest words that make up this share.',
      kind: 'number',
      min: 0.05,
      max: 1,
      step: 0.05,
      unset: '1',
    },
    {
      path: 'caption.max_new_tokens',
      label: 'Longest answer',
      meaning: 'In tokens.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: '96',
    },
    {
      path: 'caption.greedy',
      label: 'Greedy answer',
      meaning: 'The likeliest answer is a candidate too.',
      kind: 'switch',
    },
    {
      path: 'caption.unit',
      label: 'A candidate is',
      meaning: 'A whole answer, or the next sentence after each beginning.',
      kind: 'choice',
      choices: ['answer', 'sentence'],
    },
  ],
  score: [
    {
      path: 'score.scorer',
      label: 'Scorer',
      meaning: 'CLIP on the whole text, on its noun phrases as well, or sentence by sentence.',
      kind: 'choice',
      choices: ['clip', 'f-clip', 'sentence'],
    },
    {
      path: 'score.calibrate',
      label: 'Calibrate',
      meaning: 'Subtract what a text scores on all other pictures.',
      kind: 'switch',
    },
  ],
  pair: [
    {
      path: 'pair.reach',
      label: 'Reach',
      meaning: 'Try this many of the best against as many of the worst.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: '1',
    },
    {
      path: 'pair.maxPairsPerImage',
      label: 'Pairs a picture',
      meaning: 'Most pairs kept of one picture, those with the widest gaps.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: 'all',
      isNullable: true,
    },
    {
      path: 'pair.pairs',
      label: 'Which pairs',
      meaning: 'The best against the worst of each prompt, or every two.',
      kind: 'choice',
      choices: ['best-worst', 'all'],
    },
    {
      path: 'pair.control',
      label: 'Negative control',
      meaning: 'Prefer what CLIP does not, or either by chance: training must then not help.',
      kind: 'choice',
      choices: ['none', 'random', 'flipped'],
    },
  ],
  train: [
    {
      path: 'train.loss_type',
      label: 'Loss',
      meaning: 'The preference loss, by TRL’s name.',
      kind: 'choice',
      choices: [
        'sigmoid',
        'hinge',
        'ipo',
        'nca_pair',
        'robust',
        'bco_pair',
        'sppo_hard',
        'apo_zero',
        'apo_down',
        'discopop',
        'sigmoid_norm',
      ],
    },
    {
      path: 'train.beta',
      label: 'Beta',
      meaning: 'Strength of the pull towards the model as it was.',
      kind: 'number',
      min: 0.001,
      step: 'any',
      unset: '0.1',
    },
    {
      path: 'train.learning_rate',
      label: 'Learning rate',
      meaning: 'Size of a step at its largest.',
      kind: 'number',
      min: 0,
      step: 'any',
      unset: '0.000001',
    },
    {
      path: 'train.per_device_train_batch_size',
      label: 'Pairs a step',
      meaning: 'Pairs that each step learns from.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: '8',
    },
    {
      path: 'train.num_train_epochs',
      label: 'Epochs',
      meaning: 'Times through all pairs.',
      kind: 'number',
      min: 0.1,
      step: 'any',
      unset: '3',
    },
    {
      path: 'train.max_steps',
      label: 'Most steps',
      meaning: 'Stops after these, whatever the epochs; -1 leaves it to them.',
      kind: 'number',
      min: -1,
      step: 1,
      unset: '-1',
    },
    {
      path: 'train.peft.r',
      label: 'LoRA rank',
      meaning: 'Width of the adapter.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: '8',
    },
    {
      path: 'train.peft.lora_alpha',
      label: 'LoRA alpha',
      meaning: 'The adapter’s effect is multiplied by alpha over rank.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: '8',
    },
  ],
  evaluate: [
    {
      path: 'evaluate.dataset.limit',
      label: 'Pictures',
      meaning: 'Held-out pictures the model is measured on.',
      kind: 'number',
      min: 1,
      step: 1,
      unset: 'all',
    },
    {
      path: 'evaluate.questions',
      label: 'Questions',
      meaning: 'Yes/no questions for each picture.',
      kind: 'number',
      min: 0,
      step: 1,
      unset: '4',
    },
    {
      path: 'evaluate.clean_captions',
      label: 'True captions',
      meaning: 'Pictures on whose own captions the loss is measured.',
      kind: 'number',
      min: 0,
      step: 1,
      unset: '200',
    },
    {
      path: 'evaluate.bootstrap',
      label: 'Resamples',
      meaning: 'Of the bootstrap that gives the intervals.',
      kind: 'number',
      min: 10,
      step: 10,
      unset: '1000',
    },
  ],
}

/** What a filled-in field stands for in the recipe; undefined for the default. @returns NaN for what is no number. */
export function fieldValue(field: SettingField, text: string): unknown {
  const trimmed = text.trim()
  if (field.kind === 'lines') return trimmed.split('\n').flatMap((line) => line.trim() || [])
  if (trimmed === '') return field.isNullable ? null : undefined
  return field.kind === 'number' ? Number(trimmed) : trimmed
}
