#!/usr/bin/env node
// Until it is caught (scheduler/signals.ts): what is asked for so early is read anyway. Before all else is loaded.
process.on('SIGHUP', () => {});
const { main } = await import('../cli/main.ts');
process.exitCode = await main('fated', process.argv.slice(2));

export {};
