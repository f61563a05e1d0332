/**
 * A scheduler of one run, to be killed on its way: `crash-child.js ROOT KIND run|recover`. FATE_FAULT says where. What was
 * planned before is run; `recover` settles what an earlier one left.
 */
import { startRun } from '../../../src/scheduler/run.ts';
import { idIn, type Kind, openWorld, plan, plannedEntry, runOf, settleIn, TASKS } from './world.ts';

const [, , root = '', kind = '', what] = process.argv;
const world = openWorld(root);
// By the tests that start it.
const task = TASKS[kind as Kind](root);
if (what === 'run') {
  const entry = plannedEntry({ id: idIn(root) });
  plan(world, entry);
  await startRun(runOf(task, entry), entry, world.parts).done;
} else await settleIn(world, task);
await world.store.close();
