/** JSON in pieces, so that a long list is neither one string nor one moment of the loop. Pure. */

/** A list, one item after the other; of none `[]`. */
export async function* listSlices<T>(
  rows: Iterable<T> | AsyncIterable<T>,
  toJson: (row: T) => unknown,
): AsyncGenerator<string> {
  let before = '[';
  for await (const row of rows) {
    yield before + JSON.stringify(toJson(row));
    before = ',\n';
  }
  yield before === '[' ? '[]\n' : ']\n';
}

/** A whole answer: as `slices`, with a line break behind it. */
export function* answerSlices(value: unknown): Generator<string> {
  yield* slices(value);
  yield '\n';
}

/** A mapping whose lists, at any depth of mappings, come item by item. What JSON knows nothing of is left out. */
function* slices(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    yield '[';
    for (const [at, item] of value.entries()) yield (at === 0 ? '' : ',\n') + (JSON.stringify(item) ?? 'null');
    yield ']';
  } else if (typeof value === 'object' && value !== null) {
    let before = '{';
    for (const [key, inner] of Object.entries(value)) {
      if (inner === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* slices(inner);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  } else yield JSON.stringify(value) ?? 'null';
}
