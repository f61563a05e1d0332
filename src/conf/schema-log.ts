/** The shape of `path.log` (SPEC 10). For the schema of the defaults file. Pure. */
import * as z from 'zod/mini';
import { LEVELS } from '../types.ts';
import { alternatives } from './problems.ts';
import { mapping, off, own, text, whole, word } from './schema-parts.ts';
import { parseLength, parseSize, parseTimeOfDay } from './sizes.ts';

const FILE = 'a path';
const LEVEL = alternatives(LEVELS);
const ROTATION = 'a size such as 10M, a length of time such as 1d or a time of day such as 04:30';
const RETENTION = 'a number of files from 1 or an age such as 30d';
const isRotation = (s: string) =>
  (parseSize(s) ?? 0) > 0 && /\D/.test(s) ? true : (parseLength(s) ?? 0) > 0 || parseTimeOfDay(s) !== null;
const lowerCase = (level: string) => level.toLowerCase();

const logTarget = mapping(
  {
    file: own(text(FILE)),
    directory: own(text(FILE)),
    level: own(z.string(LEVEL).check(z.refine((s) => (LEVELS as readonly string[]).includes(lowerCase(s)), LEVEL))),
    format: own(word(['text', 'json'], 'text or json')),
    rotation: off(z.string(ROTATION).check(z.refine(isRotation, ROTATION))),
    retention: off(
      z.union(
        [whole(1, RETENTION), z.string(RETENTION).check(z.refine((s) => (parseLength(s) ?? 0) > 0, RETENTION))],
        RETENTION,
      ),
    ),
    compression: off(word(['gz'], 'gz')),
  },
  'a path or a mapping with file or directory',
);

const TARGETS = '/dev/stderr, /dev/stdout, a path, a mapping with file or directory, or a list of these';

export const logSchema = z.union(
  [
    text(TARGETS),
    logTarget,
    z
      .array(z.union([text('a path'), logTarget], 'a path or a mapping with file or directory'), TARGETS)
      .check(z.minLength(1, TARGETS)),
  ],
  TARGETS,
);
