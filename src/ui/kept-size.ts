/** What the site's files come to in megabytes, embedded models, pictures and ONNX Runtime's WASM among them. */
export const KEPT_MB = 78
