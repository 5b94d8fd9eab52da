/** A `config.json` is missing something, or describes a model this project cannot compute. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
