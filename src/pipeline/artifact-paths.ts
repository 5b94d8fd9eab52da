/** Names of a run's results, below the folder for them. */
export const ARTIFACT_PATHS: readonly RegExp[] = [
  /^(summary|evaluation|funnel)\.json$/,
  /^(captions|scores|pairs|metrics)\.jsonl$/,
  /^adapter\/adapter_(config\.json|model\.safetensors)$/,
  /^images\/[0-9a-f]{64}$/,
  /^report\.html$/,
]
