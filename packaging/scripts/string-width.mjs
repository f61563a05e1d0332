// Stands in for string-width in the bundle: what is plain ASCII, as all of `--help` is, is measured without its emoji
// tables, which take a third of the time of `fate --help`. Anything else is left to the library, which is loaded then.
const PLAIN = /^[\x20-\x7e]*$/;

function stringWidth(text) {
  return PLAIN.test(text) ? text.length : require('string-width-whole').default(text);
}

// biome-ignore lint/style/noDefaultExport: this stands in for a package whose only export is its default.
export { stringWidth as default };
