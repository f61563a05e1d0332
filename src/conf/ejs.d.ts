/** The part of ejs 7 that Fate uses; the package brings no types. */
declare module 'ejs' {
  interface Options {
    readonly _with?: boolean;
    readonly strict?: boolean;
    readonly localsName?: string;
    readonly destructuredLocals?: readonly string[];
    readonly compileDebug?: boolean;
    readonly escape?: (value: unknown) => string;
  }
  class Template {
    constructor(text: string, options?: Options);
    /** The body of the function, once compile() was called. */
    readonly source: string;
    /** Throws a SyntaxError. */
    compile(): unknown;
  }
  const ejs: { readonly Template: typeof Template };

  // biome-ignore lint/style/noDefaultExport: the package has no other export
  export default ejs;
}
