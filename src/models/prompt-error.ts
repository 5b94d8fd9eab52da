/** Images and texts do not fit each other or the model; the message says what was expected and what came. */
export class PromptError extends Error {
  override readonly name = 'PromptError'
}
