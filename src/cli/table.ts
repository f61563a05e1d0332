/** Tables for people: columns as wide as what is in them, the last one cut where the terminal ends. */
import stringWidth from 'string-width';

/** Lines of text without a final newline. `width`: columns of the terminal, null where there is none (nothing is cut). */
export function table(rows: readonly (readonly string[])[], width: number | null): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[at] ?? '')), 0),
  );
  return rows
    .map((row) => {
      const line = row
        .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - stringWidth(cell) + 2))
        .join('')
        .trimEnd();
      return width === null || stringWidth(line) <= width ? line : `${cut(line, width - 1)}…`;
    })
    .join('\n');
}

const PIECES = /\u001b\[[\d;]*m|./gsu;

/** Colours take no room, and stay whole: one that begins before the cut also ends. */
function cut(line: string, width: number): string {
  let text = '';
  let used = 0;
  for (const [piece] of line.matchAll(PIECES)) {
    const colour = piece.startsWith('\u001b[');
    if (!colour) used += stringWidth(piece);
    if (colour || used <= width) text += piece;
  }
  return text;
}
