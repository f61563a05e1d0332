#!/usr/bin/env node
// Until it is caught (scheduler/signals.ts): what is asked for so early is read anyway. Before all else is loaded.
process.on('SIGHUP', () => {});
// Node would open its debugger, to all users of the machine, at the one, and die of the other.
process.on('SIGUSR1', () => {}).on('SIGUSR2', () => {});
const { main } = await import('../cli/main.ts');
process.exitCode = await main('fated', process.argv.slice(2));

export {};
