/**
 * Tells whether a text is TOML or YAML that says more than a bare string (SPEC 8), without building its value: aliases
 * are not followed, keys not compared. Pure; the longest texts belong in the worker, since they take a second.
 */
import { parse as readToml } from 'toml';
import { isScalar } from 'yaml';
import { composeYaml, measureYaml } from './formats-yaml.ts';

/** Where a text is longer, this much of it is looked at before the whole is parsed. In UTF-16 code units. */
const PREFIX = 16 * 1024;

/** True for TOML with at least one key or table. */
export function isToml(text: string): boolean {
  try {
    // Integers up to 64 bits are TOML, though a JavaScript number cannot hold them all.
    const value: object = readToml(text.startsWith('\uFEFF') ? text.slice(1) : text, { bigint: true });
    return Object.keys(value).length > 0;
  } catch {
    return false;
  }
}

/**
 * True for a stream of YAML documents in which no document is a bare string, and not all of them are empty. So a page
 * with front matter is none, and neither is text of nothing but comments.
 */
export function isYaml(text: string, prefix = PREFIX): boolean {
  if (text.length > prefix && isHopeless(text.slice(0, text.lastIndexOf('\n', prefix) + 1))) return false;
  try {
    let said = false;
    for (const document of composeYaml(text)) {
      if (document.errors.length > 0) return false;
      measureYaml(document, text, false);
      const { contents } = document;
      if (isScalar(contents)) {
        if (typeof contents.value === 'string') return false;
        // Nothing at all is null as well, but has no source.
        if (contents.value === null && !contents.source) continue;
      }
      if (contents !== null) said = true;
    }
    return said;
  } catch {
    return false;
  }
}

/**
 * Whether the first lines of a text have an error that no further line can mend. Most text that is not YAML shows it
 * soon, and the package would go on to the end. What is cut off can only lack its closing quote or bracket, or the `:` of
 * a key in its last lines.
 */
function isHopeless(start: string): boolean {
  const sure = start.lastIndexOf('\n', start.length - 2);
  try {
    return composeYaml(start).some(
      ({ errors }) => errors.length > 0 && !errors.some(({ message, pos }) => pos[0] > sure || UNCLOSED.test(message)),
    );
  } catch {
    // Too deep, or a token that cannot stand where it does.
    return true;
  }
}

/** The package's words for a quote or bracket that is not closed, wherever it says that it is. */
const UNCLOSED = /^Missing closing|\bend with a [\]}]/;
