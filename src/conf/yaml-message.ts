/** What `yaml` objects to, in the words of a configuration; its own where they are good. For yaml-file. Pure. */
import type { YAMLError } from 'yaml';

const QUOTE = 'put the value in quotes';

/** One sentence without position. */
export function yamlMessage(error: YAMLError, text: string): string {
  const [start] = error.pos;
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start + 1);
  // `schedule: * * * * *` and `schedule: */5 * * * *`: to YAML a star begins an alias.
  if (/(^|[\s[{,:])\*/.test(line) && ['BAD_ALIAS', 'UNEXPECTED_TOKEN'].includes(error.code)) {
    return `expected a value, found one that starts with *, which means an alias; ${QUOTE}`;
  }
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'expected spaces, found a tab as indentation';
    case 'MISSING_CHAR': {
      const quote = /^Missing closing (.)quote/.exec(error.message)?.[1];
      return quote === undefined ? sentence(error.message) : `expected a closing ${quote}, found none`;
    }
    case 'BAD_INDENT': {
      const bracket = /^Flow \w+ .* end with a ([\]}])/.exec(error.message)?.[1];
      return bracket === undefined ? sentence(error.message) : `expected ${bracket} before this, found none`;
    }
    case 'BAD_SCALAR_START':
      return `expected a value, found one that starts with ${text.charAt(start)}; ${QUOTE}`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'expected one value, found another key on its line; put the value in quotes or the key on a line of its own';
    case 'TAG_RESOLVE_FAILED':
      return error.message.startsWith('Unresolved tag: ')
        ? `the tag ${tagName(error.message.slice('Unresolved tag: '.length))} is not known and changes nothing`
        : sentence(error.message);
    default:
      return sentence(error.message);
  }
}

const tagName = (tag: string): string => tag.replace('tag:yaml.org,2002:', '!!');

function sentence(message: string): string {
  const [first = ''] = message.split('\n');
  return first.charAt(0).toLowerCase() + first.slice(1).replace(/[:.]\s*$/, '');
}
