/** From the due second to the first instruction of 100 tasks due together at tenancy 100, told by the tasks' own clock. */
import { median, tell, withPrefix } from './measure.ts';

const TASKS = 100;
const ROUNDS = 5;

const tasks = Array.from(
  { length: TASKS },
  (_, i) =>
    `[t${i}]\nschedule = "*/3 * * * * *"\nshell = 'echo "$FATE_DUE $(date +%s.%N)"'\nscheduling.tenancy = ${TASKS}\n`,
).join('');

await withPrefix({ 'tasks.toml': tasks }, async (prefix) => {
  const daemon = prefix.daemon();
  await daemon.until({ event: 'pass' }, ROUNDS);
  await daemon.stop();
  const rounds = new Map<string, number[]>();
  for (const name of prefix.results()) {
    const [due = '', at = ''] = prefix.readResult(name).trim().split(' ');
    rounds.set(due, [...(rounds.get(due) ?? []), Number(at) * 1000 - Date.parse(due)]);
  }
  const whole = [...rounds.values()].filter((latenesses) => latenesses.length === TASKS).flat();
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  tell(
    `lateness of ${TASKS} tasks due together (sh and date included), ${whole.length} runs`,
    `median ${ms(median(whole))}, first ${ms(Math.min(...whole))}, worst ${ms(Math.max(...whole))}`,
  );
});
