/** Names of a run's results, below the folder for them; those of rounds before the last have the round in them. */
export const ARTIFACT_PATHS: readonly RegExp[] = [
  /^(summary|evaluation|funnel|recipe)\.json$/,
  /^answers\.jsonl$/,
  /^(captions|scores|pairs|metrics)(\.round\d+)?\.jsonl$/,
  /^adapter(\.round\d+)?\/adapter_(config\.json|model\.safetensors)$/,
  /^images\/[0-9a-f]{64}$/,
  /^report\.html$/,
]
