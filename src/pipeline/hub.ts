const HUB = 'https://huggingface.co'

/** The address of a model's folder on the Hugging Face hub; undefined for what is no `OWNER/NAME` or `OWNER/NAME@REVISION`. */
export function hubAddress(id: string): string | undefined {
  const [, name, revision = 'main'] = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(\w[\w./-]*))?$/.exec(id) ?? []
  return name === undefined ? undefined : `${HUB}/${name}/resolve/${encodeURIComponent(revision)}`
}
