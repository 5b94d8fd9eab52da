/** The package's ES module by its own path: the one its `main` names for Node is CommonJS in an ES package and does not load. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect'
}
