/** Where in a text an offset is, in lines and columns; the index is made at the first question, so that asking nothing costs nothing. */
import type { Position } from './problems.ts';

export interface Lines {
  /** Of an offset in UTF-16 units, as parsers give it. */
  position(offset: number): Position;
  /** A column given in UTF-16 units from 0, as one that counts characters from 1. */
  column(line: number, units: number): number;
  /** A line (from 1) without its end; '' beyond the last. */
  text(line: number): string;
}

export function createLines(text: string): Lines {
  let starts: number[] | null = null;

  function index(): number[] {
    if (starts !== null) return starts;
    starts = [0];
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
    return starts;
  }

  const start = (line: number): number => index()[line - 1] ?? text.length;
  const column = (line: number, units: number): number => [...text.slice(start(line), start(line) + units)].length + 1;

  return {
    column,
    position(offset) {
      const known = index();
      let low = 0;
      let high = known.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((known[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: column(low + 1, offset - (known[low] ?? 0)) };
    },
    text(line) {
      return text.slice(start(line), start(line + 1)).replace(/\r?\n$/, '');
    },
  };
}
