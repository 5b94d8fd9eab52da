/**
 * Largest relative error allowed, by class of computation: max |gpu - float64| over the reference's root mean square.
 * Each is about twice the largest error measured over the suite on a software adapter, which stands beside it.
 */
export const TOLERANCES = {
  /** Central differences against analytic gradients, both in float64. */
  gradient: 1e-7,
  /** Normalisations over a row. Measured 1.4e-6. */
  norm: 3e-6,
  /** Preference losses, their gradients and metrics. Measured 1.3e-6. */
  preference: 3e-6,
  /** Discopop alone, whose blend turns sharply with the margin. Measured 4.3e-6. */
  discopop: 1e-5,
  /** Rotations by a table's angles. Measured 3.1e-7. */
  rope: 7e-7,
  /** Parameters after AdamW steps, and gradient norms. Measured 6.0e-7 after ten steps. */
  adamw: 1e-6,
  /** Elementwise non-linearities. Measured 1.6e-6. */
  activation: 3e-6,
  /** Sums of two numbers. Measured 4.1e-7. */
  elementwise: 8e-7,
  /** Sums along one axis. Measured 5.1e-7. */
  reduce: 1e-6,
  /** Matrix products over up to 140 steps. Measured 1.6e-6. */
  matmul: 3e-6,
  /** Matrix products over 1536 steps, summed in one chain. Measured 5.6e-6. */
  matmulLong: 1.1e-5,
  /** Numbers kept in f16, int8 or int4 against the same rounding in float64. Measured 7.9e-7 (f32's scales). */
  quantize: 2e-6,
  /** LoRA's products. Measured 2.2e-6. */
  lora: 5e-6,
  /** Attention: out, lse and gradients. Measured 1.0e-5 (dv, where the first keys get far more than the others). */
  attention: 2e-5,
  /** Log-probabilities of a row's tokens. Measured 8.3e-7. */
  sample: 2e-6,
  /** The fused head: log-probabilities, log-sum-exp, entropy. Measured 2.3e-6. */
  logps: 5e-6,
  /** Gradient of the fused head to the hidden states. Measured 1.1e-5. */
  logpsGradient: 2e-5,
  /** Logits and summed log-probabilities of a whole small decoder, against PyTorch in float64. Measured 4e-6. */
  decoder: 8e-6,
  /** Gradients of LoRA matrices through a whole small decoder, against PyTorch in float64. Measured 1.1e-5. */
  decoderGradient: 2.2e-5,
  /** Cosine similarities times 100. Measured 9.4e-7. */
  similarity: 2e-6,
  /** Pixel values of images, against transformers with Pillow. Measured 2.9e-7. */
  pixels: 6e-7,
  /** Scores of CLIP's embeddings, 100 x cosine, against those of PyTorch's in float64. Measured 2.0e-6. */
  clipScores: 4e-6,
  /** CLIP's unit embeddings through ONNX Runtime, against PyTorch in float64 and transformers.js. Measured 1.1e-6. */
  embeddings: 2.2e-6,
  /** The same with weights kept in f16. Measured 2.4e-3. */
  halfEmbeddings: 5e-3,
  /** Image features through ONNX Runtime, against PyTorch. Measured 1.5e-6. */
  features: 3e-6,
} as const

export type ToleranceClass = keyof typeof TOLERANCES

/**
 * How far the embedded LLaVA in a format may be from itself in f32, as the length of the difference over the length of f32's,
 * with a random adapter of a trained one's strength, on the captions of eight pictures. A quarter above what was measured:
 * the weights are the same everywhere, and so is their rounding.
 */
export const QUANTISED = {
  /** What it is stored in. Measured 0, and what kernels that sum otherwise differ by. */
  f16: { logits: 1e-5, gradients: 1e-5 },
  /** Measured 3.5e-3 and 0.0149. */
  int8: { logits: 4.4e-3, gradients: 0.0186 },
  /** Measured 0.078 and 0.234. */
  int4: { logits: 0.097, gradients: 0.293 },
} as const
